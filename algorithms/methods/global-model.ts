import { partOf, withPart } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { takenOver } from '#algorithms/models/backbone.js'
import { paramsBundle, paramsOf, type ParamLayout } from '#algorithms/models/params.js'
import type { Released, ServerSetup } from './method.js'

/** What lies in the state: the params of the whole model, or of the part that is averaged. */
interface Averaged {
  readonly model: ParamLayout
}

/** What every averaging method keeps on the server: the params, and the server optimizer's own tensors. */
export interface GlobalModel {
  readonly params: Float32Array
  readonly optimizer: Bundle
}

/** Seeded params, or those of `startFrom`: with a seeded head where the bundle has none for as many classes. */
export function initialParams(
  { model, streams }: Pick<ServerSetup, 'model' | 'streams'>,
  startFrom: Bundle | null,
): Float32Array {
  const seeded = model.init(streams('init', 0, 0))
  return startFrom === null ? seeded : takenOver(model, startFrom, seeded)
}

/** The initial params, with an optimizer that has not moved them yet. */
export const initialModel = (setup: ServerSetup, startFrom: Bundle | null): GlobalModel => ({
  params: initialParams(setup, startFrom),
  optimizer: setup.serverOptimizer.init(setup.model.parameterCount),
})

/** To be nested into a method's state. */
export const modelParts = ({ model }: Averaged, global: GlobalModel): Record<string, Bundle> => ({
  model: paramsBundle(model, global.params),
  optimizer: global.optimizer,
})

/** Out of a state that `modelParts` was nested into. */
export const modelIn = ({ model }: Averaged, state: Bundle): GlobalModel => ({
  params: paramsOf(model, partOf(state, 'model')),
  optimizer: partOf(state, 'optimizer'),
})

/** One step of the server optimizer along the round's mean delta. */
export function steppedModel(
  { serverOptimizer }: Pick<ServerSetup, 'serverOptimizer'>,
  global: GlobalModel,
  meanDelta: Float64Array,
): GlobalModel {
  const { params, state } = serverOptimizer.step(global.params, meanDelta, global.optimizer)
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
