/** A model's params in two parts: the backbone (all blocks but the last) and the head. */
import { hasTensor, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Model } from '#algorithms/models/model.js'
import { shapeText } from './blocks/block-maker.js'
import { assertPlainFeatures } from './feature-power.js'
import { layoutOf, paramsOf, type ParamLayout } from './params.js'

/** Number of the model's params that belong to the head. */
const headTensors = ({ blocks }: Model): number => blocks.at(-1)?.params.length ?? 0

/** The params of all blocks but the head, in the order of the model: the first part of its flat array. */
export const backboneLayout = (model: Model): ParamLayout =>
  layoutOf(
    `the backbone of ${model.name}`,
    model.params.slice(0, model.params.length - headTensors(model)),
  )

/** The params of the head: the last part of the model's flat array. */
export const headLayout = (model: Model): ParamLayout =>
  layoutOf(
    `the head of ${model.name}`,
    model.params.slice(model.params.length - headTensors(model)),
  )

/**
 * The backbone's params out of a bundle of the same model; its head is not looked at. Throws `model/does-not-fit` when one
 * of them is missing or of another shape.
 */
export function backboneParams(model: Model, bundle: Bundle): Float32Array {
  const layout = backboneLayout(model)
  const missing = layout.params.find(({ name }) => !hasTensor(bundle, name))
  if (missing !== undefined) {
    throw new FederationError(
      'model/does-not-fit',
      `${layout.name} needs ${missing.name}, which the bundle does not have`,
    )
  }
  return paramsOf(layout, bundle)
}

/**
 * The params that a model starts with when it takes over those of a bundle. A head for another number of classes, or none,
 * is replaced by that of `seeded`; everything else must fit. Throws `model/does-not-fit`.
 */
export function takenOver(model: Model, bundle: Bundle, seeded: Float32Array): Float32Array {
  assertPlainFeatures(bundle)
  const backbone = backboneParams(model, bundle)
  const layout = headLayout(model)
  const head = hasShapes(layout, bundle)
    ? paramsOf(layout, bundle)
    : seeded.subarray(backbone.length)
  const params = new Float32Array(model.parameterCount)
  params.set(backbone)
  params.set(head, backbone.length)
  return params
}

const hasShapes = ({ params }: ParamLayout, bundle: Bundle): boolean =>
  params.every(({ name, shape }) => {
    const found = bundle.tensors.find((tensor) => tensor.name === name)
    return found !== undefined && shapeText(found.shape) === shapeText(shape)
  })
