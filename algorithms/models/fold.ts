import { FederationError } from '#protocol/errors.js'
import type { Model } from '#algorithms/models/model.js'
import { paramPlaces } from './params.js'

/** What one site does to its op's output, channel by channel: z · scale + shift. */
export interface Affine {
  readonly scale: Float32Array
  readonly shift: Float32Array
}

/**
 * New params of the model whose ops already do what `affine` (one per site, in order) would do behind them: W' = W · s over
 * the last axis, b' = s b + t. The same for linear, convolution and norm ops (SSF, https://arxiv.org/abs/2210.08823). Throws
 * `algorithm/failed` for another number of sites or channels.
 */
export function foldAffine(
  model: Model,
  params: Float32Array,
  affine: readonly Affine[],
): Float32Array {
  if (affine.length !== model.sites.length) {
    throw new FederationError(
      'algorithm/failed',
      `${model.name} has ${model.sites.length} sites, got ${affine.length}`,
    )
  }
  const folded = params.slice()
  const places = new Map(paramPlaces(model).map((place) => [place.name, place]))
  const valuesOf = (name: string): Float32Array => {
    const { offset = 0, size = 0 } = places.get(name) ?? {}
    return folded.subarray(offset, offset + size)
  }
  model.sites.forEach(({ id, channels, fold }, site) => {
    const { scale, shift } = affine[site]!
    if (scale.length !== channels || shift.length !== channels) {
      throw new FederationError('algorithm/failed', `Site ${id} has ${channels} channels`)
    }
    const multiply = (values: Float32Array): void =>
      values.forEach((value, i) => (values[i] = value * scale[i % channels]!))
    multiply(valuesOf(fold.scale))
    const bias = valuesOf(fold.shift)
    multiply(bias)
    bias.forEach((value, i) => (bias[i] = value + shift[i % channels]!))
  })
  return folded
}
