import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { firstParams } from '#algorithms/methods/first-params.js'
import { keepingTraining } from '#algorithms/methods/kept-training.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup, PredictorInput } from '#algorithms/methods/method.js'
import { ownModel, ownPredictor } from '#algorithms/methods/own-model.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'

/** Trains its own model further, whether or not its answer counts, and sends nothing. */
export function localOnlyClient(setup: MethodSetup): ClientHalf {
  const { model } = setup
  // A task brings no params; what is released brings the first ones.
  const first = ({ shared, assets }: Pick<PredictorInput, 'shared' | 'assets'>) =>
    shared.tensors.length === 0 ? firstParams(setup, assets) : paramsOf(model, shared)
  return keepingTraining({
    async perform(input) {
      const { memory } = input
      const start = memory === null ? first(input) : paramsOf(model, memory)
      const { params, weight, loss, steps } = await trainFrom(setup, input, { start })
      return {
        update: {},
        weight,
        metrics: { loss, steps },
        pending: paramsBundle(model, params),
      }
    },
    predictor: ownPredictor(setup, (from) => modelPredictor(model, first(from))),
    personalModel: ownModel(setup),
  })
}
