/** What no calibration of a head can work with. */
import { backboneLayout } from '#algorithms/models/backbone.js'
import { headOf, type Head } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import type { HeadOptions } from './head-options.js'

/** For a model that has nothing to make features with; null for every other. */
export const headOnlyReason = (model: Model): string | null =>
  backboneLayout(model).parameterCount > 0
    ? null
    : `A calibration corrects the head behind the features of a model, and ${model.name} has no features before its head: its inputs would be told as they are; choose a model with a hidden layer, or leave the calibration out`

/** For a start at zero of a head that has none; null where it has. */
export const zerosReason = (model: Model, { init }: Pick<HeadOptions, 'init'>): string | null =>
  init === 'warm' || isDense(headOf(model), model.classes)
    ? null
    : `The head of this ${model.name} has directions, and zeros have none; set calibration.init to warm`

/** Whether a head is one dense layer: a kernel [d, C] and a bias [C]. */
export function isDense({ layout, width }: Head, classes: number): boolean {
  const shapes = layout.params.map(({ shape }) => shape.join(' '))
  return shapes.join(', ') === `${width} ${classes}, ${classes}`
}
