import type { Bundle } from '#protocol/bundle.js'
import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { holding, sharedPredictor, trainFromShared } from '#algorithms/methods/local-training.js'
import type { TrainedFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { learningRateAt } from '#algorithms/training/schedule.js'
import { variateIn } from './shared.js'

/** Trains along corrected gradients, and keeps its own variate as memory: changed only if the update counted. */
export function scaffoldClient(setup: MethodSetup): ClientHalf {
  const { config, model } = setup
  return {
    async perform(input) {
      const variate = variateIn(model, input.shared)
      const own = ownVariate(model, input.memory)
      const trained = await holding(toTensors(model, difference(variate, own)), (correction) =>
        trainFromShared(setup, input, {
          adjustGradients: (gradients) =>
            gradients.map((gradient, i) => tf.add(gradient, correction[i]!)),
        }),
      )
      const learningRate = learningRateAt(config.training.optimizer, {
        round: input.round,
        rounds: config.rounds,
      })
      const next = nextVariate(trained, { own, variate, learningRate })
      return {
        update: {
          delta: namedTensors(model, difference(trained.params, trained.start)),
          variate: namedTensors(model, difference(next, own)),
        },
        weight: trained.weight,
        metrics: { loss: trained.loss, steps: trained.steps },
        pending: paramsBundle(model, next),
        local: trained.params,
      }
    },
    predictor: sharedPredictor(setup),
  }
}

const ownVariate = (model: Model, memory: Bundle | null): Float32Array =>
  memory === null ? new Float32Array(model.parameterCount) : paramsOf(model, memory)

/** Option II: c_k ← c_k − c + (w − w_k) / (K η): the mean of the uncorrected gradients along the way. */
function nextVariate(
  { start, params, steps }: TrainedFrom,
  {
    own,
    variate,
    learningRate,
  }: { readonly own: Float32Array; readonly variate: Float32Array; readonly learningRate: number },
): Float32Array {
  const span = steps * learningRate
  return own.map((value, i) => value - variate[i]! + (start[i]! - params[i]!) / span)
}
