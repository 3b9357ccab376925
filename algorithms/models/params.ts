import type { Bundle, TensorSpec } from '#protocol/bundle.js'
import { float32Of, makeBundle, tensorOf } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Model } from '#algorithms/models/model.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { product, shapeText } from './blocks/block-maker.js'

/** Tensors that lie one after another in a flat array: a model's, or those of an objective. */
export type ParamLayout = Pick<Model, 'name' | 'params' | 'parameterCount'>

/** The layout of these tensors, one after another. `name` is what messages call it. */
export const layoutOf = (name: string, params: readonly TensorSpec[]): ParamLayout => ({
  name,
  params,
  parameterCount: params.reduce((total, { shape }) => total + product(shape), 0),
})

interface Place {
  readonly name: string
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}

/** Where each param lies in the flat array. */
export function paramPlaces(model: ParamLayout): readonly Place[] {
  let offset = 0
  return model.params.map(({ name, shape }) => {
    const place = { name, shape, offset, size: product(shape) }
    offset += place.size
    return place
  })
}

function checkLength(model: ParamLayout, length: number): void {
  if (length !== model.parameterCount) {
    throw new FederationError(
      'model/does-not-fit',
      `${model.name} has ${model.parameterCount} parameters, got ${length}`,
    )
  }
}

/** The model's tensors in the order of its params, copied out of `flat`. The caller disposes them. */
export function toTensors(model: ParamLayout, flat: Float32Array): Tensor[] {
  checkLength(model, flat.length)
  return paramPlaces(model).map(({ offset, size, shape }) =>
    tf.tensor(flat.slice(offset, offset + size), [...shape], 'float32'),
  )
}

function joined(model: ParamLayout, values: readonly ArrayLike<number>[]): Float32Array {
  checkLength(
    model,
    values.reduce((total, part) => total + part.length, 0),
  )
  const flat = new Float32Array(model.parameterCount)
  let offset = 0
  for (const part of values) {
    flat.set(part, offset)
    offset += part.length
  }
  return flat
}

/** The tensors' values in one array. Waits for the device: prefer `readParams` outside of tests. */
export function fromTensors(model: ParamLayout, tensors: readonly Tensor[]): Float32Array {
  return joined(
    model,
    tensors.map((tensor) => tensor.dataSync()),
  )
}

/** As `fromTensors`, without blocking; the only way on devices that cannot be read synchronously. */
export async function readParams(
  model: ParamLayout,
  tensors: readonly Tensor[],
): Promise<Float32Array> {
  return joined(model, await Promise.all(tensors.map((tensor) => tensor.data())))
}

/** Params as a bundle, one tensor a param, named `block/param`. */
export function paramsBundle(model: ParamLayout, flat: Float32Array): Bundle {
  checkLength(model, flat.length)
  return makeBundle(
    paramPlaces(model).map(({ name, shape, offset, size }) => ({
      name,
      shape,
      dtype: 'float32',
      data: flat.subarray(offset, offset + size),
    })),
  )
}

/** The flat params out of a bundle that holds them; other tensors beside them are ignored. */
export function paramsOf(model: ParamLayout, bundle: Bundle): Float32Array {
  const parts = paramPlaces(model).map(({ name, shape }) => {
    const found = tensorOf(bundle, name)
    if (found.dtype !== 'float32' || shapeText(found.shape) !== shapeText(shape)) {
      throw new FederationError(
        'model/does-not-fit',
        `${model.name} needs ${name} as float32 ${shapeText(shape)}, got ${found.dtype} ${shapeText(found.shape)}`,
      )
    }
    return float32Of(bundle, name)
  })
  return joined(model, parts)
}
