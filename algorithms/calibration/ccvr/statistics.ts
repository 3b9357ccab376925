/**
 * Moments of a client's features in one pass (ccvr specification §6): blocks are centred on their own mean and merged with
 * (4''). Products of float32 tensors would be as good as float32 is; here all of it is float64, so that neither the order of
 * examples nor where blocks end shows in the result.
 */
import { ColumnBlock } from '#algorithms/matrix/column-block.js'
import { BLOCK_ROWS, forFeatureBlocks } from './features.js'
import type { FeatureSource, HeldClasses } from './features.js'
import type { GrowingMoments } from './merge.js'
import type { ClassMoments, ScatterShape } from './moments.js'
import { scatterSize } from './moments.js'

/** Moments of one class that the client holds. They are valid until the visit ends: their arrays are used again. */
export interface HeldMoments {
  readonly label: number
  /** Place of the label among those that the client holds. */
  readonly place: number
  readonly moments: ClassMoments
}

/** Visits the moments of every held class in ascending order, with one scatter in memory at a time. */
export async function forClassMoments(
  source: FeatureSource & { readonly shape: ScatterShape },
  { classes }: HeldClasses,
  visit: (held: HeldMoments) => void | Promise<void>,
): Promise<void> {
  const { width, shape } = source
  const add = blockAdder(width, shape)
  const mean = new Float64Array(width)
  const scatter = new Float64Array(scatterSize(width, shape))
  for (const [place, { label, examples }] of classes.entries()) {
    const moments = { n: 0, mean: mean.fill(0), scatter: scatter.fill(0) }
    await forFeatureBlocks(source, examples, (rows) => add(moments, rows))
    await visit({ label, place, moments })
  }
}

/** Adds at most `BLOCK_ROWS` rows to moments. */
export function blockAdder(width: number, shape: ScatterShape) {
  // One row more: the step from mean to mean, as long as it weighs, enters the products like any other row.
  const block = new ColumnBlock(width, BLOCK_ROWS + 1)
  const [mean, origin] = [new Float64Array(width), new Float64Array(width)]
  return (into: GrowingMoments, rows: readonly Float64Array[]): void => {
    const n = into.n + rows.length
    setMean(mean, rows)
    const delta = mean.map((value, i) => value - into.mean[i]!)
    if (shape !== 'none') {
      block.clear()
      for (const row of rows) block.push(row, mean)
      if (into.n > 0) block.push(delta, origin, Math.sqrt((into.n * rows.length) / n))
      if (shape === 'full') block.addTo(into.scatter)
      else block.addSquaresTo(into.scatter)
    }
    for (let i = 0; i < width; i++) into.mean[i]! += (delta[i]! * rows.length) / n
    into.n = n
  }
}

function setMean(mean: Float64Array, rows: readonly Float64Array[]): void {
  mean.fill(0)
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]!
  for (let i = 0; i < mean.length; i++) mean[i]! /= rows.length
}
