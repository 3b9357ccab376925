/** Keys of a pool in two dimensions, for people to look at. */
import { hasTensor, tensorOf, type Bundle } from '#protocol/bundle.js'
import { eigenOf } from '#algorithms/matrix/eigen.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { KEYS } from './pool.js'

export interface KeyMap {
  /** Dimensions of a key. */
  readonly width: number
  /** Share of the keys' spread along x, and along y. */
  readonly shown: readonly [number, number]
  /** Entry by entry. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

/**
 * The first two principal components of the keys of a released pool: found from the products of each with each, of which there are
 * fewer than dimensions. Null for a model without keys. Of each component the entry farthest out has a positive place, so that the
 * picture does not turn over from one round to the next.
 */
export async function keyMapOf(model: Bundle): Promise<KeyMap | null> {
  if (!hasTensor(model, KEYS)) return null
  const { shape, data } = tensorOf(model, KEYS)
  const [entries = 0, width = 0] = shape
  const centred = centredRows(data, entries, width)
  const products = new Float64Array(triangle(entries))
  for (let i = 0; i < entries; i += 1)
    for (let j = 0; j <= i; j += 1) products[triangle(i) + j] = dot(centred[i]!, centred[j]!)
  const { values, vectors } = await eigenOf(products, entries)
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0)
  const component = (rank: number) => {
    const column = entries - 1 - rank
    const value = Math.max(0, values[column] ?? 0)
    const places = Array.from(
      { length: entries },
      (_, i) => (vectors[i * entries + column] ?? 0) * Math.sqrt(value),
    )
    const farthest = places.reduce((far, one) => (Math.abs(one) > Math.abs(far) ? one : far), 0)
    const sign = farthest < 0 ? -1 : 1
    return { share: total > 0 ? value / total : 0, places: places.map((place) => sign * place) }
  }
  const [first, second] = [component(0), component(1)]
  return {
    width,
    shown: [first.share, second.share],
    points: first.places.map((x, i) => ({ x, y: second.places[i] ?? 0 })),
  }
}

function centredRows(
  data: ArrayLike<number>,
  entries: number,
  width: number,
): readonly Float64Array[] {
  const rows = Array.from({ length: entries }, (_, i) =>
    Float64Array.from({ length: width }, (_, j) => data[i * width + j] ?? 0),
  )
  const mean = new Float64Array(width)
  for (const row of rows) row.forEach((value, j) => (mean[j]! += value / entries))
  return rows.map((row) => row.map((value, j) => value - mean[j]!))
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)
