import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { firstParams } from '#algorithms/methods/first-params.js'
import { keepingTraining } from '#algorithms/methods/kept-training.js'
import { sharedPredictor, trainFromShared } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup, PerformInput } from '#algorithms/methods/method.js'
import { ownModel, ownPredictor } from '#algorithms/methods/own-model.js'
import { trainProximally } from '#algorithms/methods/proximal.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import type { DittoHyper } from './hyper.js'

type DittoSetup = MethodSetup<DittoHyper>

/** Trains the received params for the federation, and its own model for itself. */
export function dittoClient(setup: DittoSetup): ClientHalf {
  const { model, hyper } = setup
  const epochs = epochsOf(setup)
  return keepingTraining({
    async perform(input) {
      const { memory, assets } = input
      const [first, second] = inTurn(setup, input)
      const shared = await trainFromShared(setup, first)
      const own = await trainProximally(setup, second, {
        start: memory === null ? firstParams(setup, assets) : paramsOf(model, memory),
        mu: hyper.lambda,
        localEpochs: epochs.own,
      })
      return {
        update: { delta: namedTensors(model, difference(shared.params, shared.start)) },
        weight: shared.weight,
        metrics: {
          loss: shared.loss,
          steps: shared.steps,
          'personal/loss': own.loss,
          'personal/steps': own.steps,
        },
        pending: paramsBundle(model, own.params),
        local: shared.params,
      }
    },
    predictor: ownPredictor(setup, sharedPredictor(setup)),
    personalModel: ownModel(setup),
  })
}

const epochsOf = ({ config: { training }, hyper: { personalEpochs } }: DittoSetup) => ({
  shared: training.localEpochs,
  own: personalEpochs ?? training.localEpochs,
})

/** The input of each of the two trainings: who watches is told of both as of one. */
function inTurn(setup: DittoSetup, input: PerformInput): readonly [PerformInput, PerformInput] {
  const { onStep, data } = input
  if (onStep === undefined) return [input, input]
  const { shared, own } = epochsOf(setup)
  const steps = Math.ceil(data.train.indices.length / setup.config.training.batchSize)
  const after = (before: number): PerformInput => ({
    ...input,
    onStep: (done) => onStep(before + done, steps * (shared + own)),
  })
  return [after(0), after(steps * shared)]
}
