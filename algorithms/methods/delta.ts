import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { paramPlaces, type ParamLayout } from '#algorithms/models/params.js'
import type { ServerSetup } from './method.js'
import type { SummedGroup } from './update.js'

/**
 * The group of most methods: local − global, averaged with the configured weights, tensor by tensor as the model names them.
 * `model`: the whole, or the part of it that is averaged.
 */
export const deltaGroup = ({
  config,
  model,
  meanGrid,
}: Pick<ServerSetup, 'config' | 'meanGrid'> & { readonly model: ParamLayout }): UplinkGroup => ({
  name: 'delta',
  tensors: model.params,
  reduce: 'mean',
  weight: config.aggregation.weighting,
  grid: meanGrid,
  privacyClass: 'model-delta',
  maxBytes: model.parameterCount * Float32Array.BYTES_PER_ELEMENT,
})

/** A flat array as the model's named tensors; views, not copies. */
export function namedTensors(model: ParamLayout, flat: Float32Array): readonly NamedTensor[] {
  return paramPlaces(model).map(({ name, shape, offset, size }) => ({
    name,
    shape,
    dtype: 'float32',
    data: flat.subarray(offset, offset + size),
  }))
}

/** A folded group of the model's tensors as one flat array. */
export function flatOf(model: ParamLayout, group: SummedGroup): Float64Array {
  const flat = new Float64Array(model.parameterCount)
  for (const { name, offset } of paramPlaces(model)) {
    const values = group.tensors[name]
    if (values === undefined) {
      throw new FederationError('algorithm/failed', `The round folded no tensor named ${name}`)
    }
    flat.set(values, offset)
  }
  return flat
}

/** a − b, element by element, rounded to float32. */
export const difference = (a: Float32Array, b: Float32Array): Float32Array =>
  a.map((value, i) => value - b[i]!)
