import { FederationError } from '#protocol/errors.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import { layoutAbove, layoutBelow, tapsOf } from '#algorithms/models/taps.js'
import type { FedPerHyper } from './hyper.js'

export type FedPerSetup = MethodSetup<FedPerHyper>
type Personal = FedPerHyper['personalLayers']

export interface Layers {
  /** What is averaged: the first part of the model's flat array. */
  readonly base: ParamLayout
  /** What stays with the client: the rest of it. */
  readonly own: ParamLayout
}

/** Null where no layer would be left to average, or none has that name. */
export function layersIn(model: Model, personal: Personal): Layers | null {
  const taps = tapsOf(model)
  const shared =
    typeof personal === 'number'
      ? taps.length - personal
      : taps.findIndex(({ name }) => name === personal)
  const last = taps[shared - 1]
  return last === undefined
    ? null
    : { base: layoutBelow(model, last), own: layoutAbove(model, last) }
}

export function problemWith(model: Model, personal: Personal): string {
  const [first, ...others] = tapsOf(model).map(({ name }) => name)
  const known = others.length === 0 ? 'there are none' : `those are ${others.join(', ')}`
  return `fedper averages at least the first layer of ${model.name}, ${first}: method.personalLayers ${personal} leaves none, or is none of the layers after it (${known}). Set it lower, or use local-only`
}

/** Throws `config/impossible` for what `requires` would have refused. */
export function layersOf({ model, hyper: { personalLayers } }: FedPerSetup): Layers {
  const layers = layersIn(model, personalLayers)
  if (layers !== null) return layers
  throw new FederationError('config/impossible', problemWith(model, personalLayers))
}

/** One full set of params of both parts. */
export function joined(base: Float32Array, own: Float32Array): Float32Array {
  const params = new Float32Array(base.length + own.length)
  params.set(base)
  params.set(own, base.length)
  return params
}
