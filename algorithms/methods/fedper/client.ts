import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { firstParams } from '#algorithms/methods/first-params.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PredictorInput } from '#algorithms/methods/method.js'
import { ownModel } from '#algorithms/methods/own-model.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { joined, layersOf, type FedPerSetup } from './layers.js'

/** Trains the received base with its own last layers, sends how far the base moved, and keeps the whole if that counted. */
export function fedperClient(setup: FedPerSetup): ClientHalf {
  const { model } = setup
  const { base, own } = layersOf(setup)
  const ownLayers = ({ memory, assets }: Pick<PredictorInput, 'memory' | 'assets'>) =>
    memory === null
      ? firstParams(setup, assets).subarray(base.parameterCount)
      : paramsOf(own, memory)
  const paramsFrom = (from: PredictorInput): Float32Array =>
    joined(paramsOf(base, from.shared), ownLayers(from))
  return {
    async perform(input) {
      const start = paramsFrom(input)
      const { params, weight, loss, steps } = await trainFrom(setup, input, { start })
      const moved = difference(params, start).subarray(0, base.parameterCount)
      return {
        update: { delta: namedTensors(base, moved) },
        weight,
        metrics: { loss, steps },
        pending: paramsBundle(model, params),
      }
    },
    predictor: (from) => modelPredictor(model, paramsFrom(from)),
    personalModel: ownModel(setup),
  }
}
