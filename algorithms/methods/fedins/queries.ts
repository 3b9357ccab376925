import { FederationError } from '#protocol/errors.js'
import type { Examples } from '#data/dataset.js'
import { forBatches } from '#algorithms/evaluation/evaluate.js'
import { queriesFor, type Backbone } from './forward.js'

/** Queries of a client's examples, [examples, D] row by row, by the backbone's params. Losing them costs time only. */
const cache = new WeakMap<Examples, WeakMap<Float32Array, Float32Array>>()

/**
 * The query of every example, by place. `frozen`: the array that the backbone's params were taken from. The backbone is frozen and examples are not augmented, so they are computed once
 * and kept as long as the examples and the backbone are.
 */
export async function queriesOf(
  examples: Examples,
  backbone: Backbone,
  frozen: Float32Array,
): Promise<Float32Array> {
  const known = cache.get(examples)?.get(frozen)
  if (known !== undefined) return known
  const { width } = backbone.extractor
  const queries = new Float32Array(examples.indices.length * width)
  let place = 0
  await forBatches(
    (x) => queriesFor(backbone, x),
    examples,
    (query) => queries.set(query, place++ * width),
  )
  const own = cache.get(examples) ?? new WeakMap<Float32Array, Float32Array>()
  cache.set(examples, own.set(frozen, queries))
  return queries
}

/** The mean query, in float64. Throws `task/failed` without queries. */
export function meanQuery(queries: Float32Array, width: number): Float32Array {
  if (queries.length === 0)
    throw new FederationError('task/failed', 'This client has no training examples')
  const sum = new Float64Array(width)
  queries.forEach((value, i) => (sum[i % width]! += value))
  return Float32Array.from(sum, (value) => (value * width) / queries.length)
}
