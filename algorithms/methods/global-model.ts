import { partOf, withPart } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { takenOver } from '#algorithms/models/backbone.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import type { MethodSetup, Released, ServerSetup } from './method.js'

/** What every averaging method keeps on the server: the params, and the server optimizer's own tensors. */
export interface GlobalModel {
  readonly params: Float32Array
  readonly optimizer: Bundle
}

/** Seeded params, or those of `startFrom`: with a seeded head where the bundle has none for as many classes. */
export function initialModel(setup: ServerSetup, startFrom: Bundle | null): GlobalModel {
  const { model, streams, serverOptimizer } = setup
  const seeded = model.init(streams('init', 0, 0))
  const params = startFrom === null ? seeded : takenOver(model, startFrom, seeded)
  return { params, optimizer: serverOptimizer.init(model.parameterCount) }
}

/** To be nested into a method's state. */
export const modelParts = (
  { model }: MethodSetup,
  global: GlobalModel,
): Record<string, Bundle> => ({
  model: paramsBundle(model, global.params),
  optimizer: global.optimizer,
})

/** Out of a state that `modelParts` was nested into. */
export const modelIn = ({ model }: MethodSetup, state: Bundle): GlobalModel => ({
  params: paramsOf(model, partOf(state, 'model')),
  optimizer: partOf(state, 'optimizer'),
})

/** One step of the server optimizer along the round's mean delta. */
export function steppedModel(
  setup: ServerSetup,
  global: GlobalModel,
  meanDelta: Float64Array,
): GlobalModel {
  const { params, state } = setup.serverOptimizer.step(global.params, meanDelta, global.optimizer)
  return { params, optimizer: state }
}

/** What is published after a round: a full set of params. */
export const releasedModel = (state: Bundle): Released => ({
  bundle: partOf(state, 'model'),
  assets: {},
  predicts: true,
})

/** Goes on from other params, with the server optimizer and all else as it was. */
export const adoptedModel = (state: Bundle, params: Bundle): Bundle =>
  withPart(state, 'model', params)
