/**
 * The pool: M entries, each a scale and a shift per site, a key and a head. One index names the same entry everywhere.
 * Flat order: for each site scale then shift, then keys, head weights, head biases; row-major float32.
 */
import { FederationError } from '#protocol/errors.js'
import type { TensorSpec } from '#protocol/bundle.js'
import { product } from '#algorithms/models/blocks/block-maker.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import type { Model, SiteSpec } from '#algorithms/models/model.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { KEY_DEVIATION } from '#algorithms/training/pretrained-keys.js'
import type { FedInsHyper } from './hyper.js'

/** What a pool's tensors depend on. */
export interface PoolShape {
  /** M */
  readonly entries: number
  /** Empty when entries are heads only. */
  readonly sites: readonly SiteSpec[]
  /** D: width of features, queries and keys. */
  readonly width: number
  /** C */
  readonly classes: number
  /** A pool of one entry, and one that is not routed by keys, has none. */
  readonly hasKeys: boolean
}

export const poolShapeOf = (
  model: Model,
  { poolSize, adapt, routing }: Pick<FedInsHyper, 'poolSize' | 'adapt' | 'routing'>,
): PoolShape => ({
  entries: poolSize,
  sites: adapt === 'ssf' ? model.sites : [],
  width: extractorOf(model).width,
  classes: model.classes,
  hasKeys: routing === 'keys' && poolSize > 1,
})

export const KEYS = 'keys'

/** Names and shapes of the pool's tensors in flat order. */
export function poolLayout(shape: PoolShape): ParamLayout {
  const { entries, sites, width, classes, hasKeys } = shape
  const tensor = (name: string, ...rest: number[]): TensorSpec => ({
    name,
    shape: [entries, ...rest],
    dtype: 'float32',
  })
  const params = [
    ...sites.flatMap(({ id, channels }) => [
      tensor(`scale/${id}`, channels),
      tensor(`shift/${id}`, channels),
    ]),
    ...(hasKeys ? [tensor(KEYS, width)] : []),
    tensor('head/weight', classes, width),
    tensor('head/bias', classes),
  ]
  return { name: 'The pool', params, parameterCount: poolFloats(shape) }
}

/** P = M (2 Σ channels + D + C D + C), without D for a pool without keys: the floats of one entry times M. */
export const poolFloats = ({ entries, sites, width, classes, hasKeys }: PoolShape): number =>
  entries *
  (2 * sites.reduce((sum, { channels }) => sum + channels, 0) +
    (hasKeys ? width : 0) +
    classes * width +
    classes)

/** The pool's tensors by what they are. `scales` and `shifts` by site, [M, channels] each. */
export interface PoolParts {
  readonly scales: readonly Tensor[]
  readonly shifts: readonly Tensor[]
  /** [M, D] */
  readonly keys: Tensor | null
  /** [M, C, D] */
  readonly weight: Tensor
  /** [M, C] */
  readonly bias: Tensor
}

/** `tensors` in flat order. */
export function partsOf({ sites, hasKeys }: PoolShape, tensors: readonly Tensor[]): PoolParts {
  const [weight, bias] = tensors.slice(-2)
  const affine = 2 * sites.length
  const keys = hasKeys ? tensors[affine] : null
  if (weight === undefined || bias === undefined || keys === undefined) {
    throw new FederationError('internal/bug', `A pool has more than ${tensors.length} tensors`)
  }
  return {
    scales: sites.map((_, j) => tensors[2 * j]!),
    shifts: sites.map((_, j) => tensors[2 * j + 1]!),
    ...{ keys, weight, bias },
  }
}

const AFFINE_DEVIATION = 0.02

/**
 * The pool that every client starts from, drawn once: scales N(1, 0.02²), shifts and keys N(0, 0.02²), head weights
 * N(0, 2 / (C D)), biases 0. Entries must differ: equal ones would stay equal.
 */
export function initialPool(shape: PoolShape, stream: Stream): Float32Array {
  const { params, parameterCount } = poolLayout(shape)
  const flat = new Float32Array(parameterCount)
  let offset = 0
  for (const { name, shape: dimensions } of params) {
    const end = offset + product(dimensions)
    const draw = drawOf(name, shape, stream)
    for (let i = offset; i < end; i++) flat[i] = draw()
    offset = end
  }
  return flat
}

function drawOf(name: string, { classes, width }: PoolShape, stream: Stream): () => number {
  if (name === 'head/bias') return () => 0
  if (name === 'head/weight') {
    const deviation = Math.sqrt(2 / (classes * width))
    return () => deviation * stream.normal()
  }
  if (name === KEYS) return () => KEY_DEVIATION * stream.normal()
  const mean = name.startsWith('scale/') ? 1 : 0
  return () => mean + AFFINE_DEVIATION * stream.normal()
}
