/** For methods whose clients keep a full set of params of their own as memory, under the names that the model gives them. */
import type { Bundle } from '#protocol/bundle.js'
import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import type { ClientHalf, MethodSetup, PersonalModel } from './method.js'

/** The client's params as they lie in its memory, without what else lies there. */
export const ownModel =
  ({ config, model }: MethodSetup) =>
  (memory: Bundle): PersonalModel => ({
    params: paramsBundle(model, paramsOf(model, memory)),
    model: config.model,
  })

/** Predicts with the client's own params, and with `otherwise` before it has any. */
export const ownPredictor =
  ({ model }: MethodSetup, otherwise: ClientHalf['predictor']): ClientHalf['predictor'] =>
  (from) =>
    from.memory === null ? otherwise(from) : modelPredictor(model, paramsOf(model, from.memory))
