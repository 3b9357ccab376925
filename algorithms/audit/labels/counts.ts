/** How many records of each class are in a batch, from the last layer's gradient and public data. Gifd specification §4.3. */
import type { AuxiliaryStatistics } from './auxiliary-statistics.js'
import { columnSums, type HeadGradient } from './head-gradient.js'

/** `counts` as labels, ascending. */
export const labelsOf = (counts: ArrayLike<number>): Int32Array =>
  Int32Array.from(
    Array.from(counts).flatMap((count, label) => new Array<number>(count).fill(label)),
  )

/**
 * Whole numbers that sum to `total`, nearest to `estimates`: `total` times, the class with the largest remaining estimate gets
 * one (§4.3).
 */
export function roundedTo(estimates: ArrayLike<number>, total: number): Int32Array {
  const left = Float64Array.from(estimates)
  const counts = new Int32Array(left.length)
  for (let i = 0; i < total; i++) {
    let most = 0
    for (let c = 1; c < left.length; c++) if (left[c]! > left[most]!) most = c
    counts[most]! += 1
    left[most]! -= 1
  }
  return counts
}

/** (4.3): n_c = B (p̄_c − dl/db_c), with p̄ the mean softmax of the batch. */
export const countEstimates = (
  bias: ArrayLike<number>,
  meanSoftmax: ArrayLike<number>,
  batch: number,
): Float64Array =>
  Float64Array.from({ length: bias.length }, (_, c) => batch * (meanSoftmax[c]! - bias[c]!))

/** What a mean over the batch is where its labels have these shares; the mean over all public data where they are unknown. */
function expected(
  auxiliary: AuxiliaryStatistics,
  of: 'softmax' | 'weightedSoftmax',
  counts: Int32Array | null,
): Float64Array {
  if (counts === null) return auxiliary.overall[of]
  const batch = counts.reduce((sum, count) => sum + count, 0)
  const mean = new Float64Array(auxiliary.classes)
  counts.forEach((count, label) => {
    const rows = (auxiliary.byLabel[label] ?? auxiliary.overall)[of]
    rows.forEach((value, c) => (mean[c]! += (count / batch) * value))
  })
  return mean
}

/** How often the estimate is made again with the labels found so far. */
const ITERATIONS = 2

interface CountEvidence {
  readonly head: HeadGradient
  readonly batch: number
  readonly auxiliary: AuxiliaryStatistics
  /** The update was scaled by an unknown factor of at most 1, as clipping does. */
  readonly isScaled: boolean
}

/**
 * Counts by (4.3), with p̄ from public data, and again, twice, from the public records of the labels found. Without a bias the
 * same from column sums: Σ_j dl/dW_cj is the mean of (p_ic − [y_i = c]) Σ_j a_ij.
 */
export function countRule({ head, batch, auxiliary, isScaled }: CountEvidence): Int32Array {
  const observed = head.bias ?? columnSums(head)
  const of = head.bias === null ? 'weightedSoftmax' : 'softmax'
  let counts: Int32Array | null = null
  for (let i = 0; i <= ITERATIONS; i++) {
    const mean = expected(auxiliary, of, counts)
    const scale = isScaled ? scaleOf(observed, mean, batch) : 1
    const gradient = Float64Array.from(observed, (value) => value / scale)
    const estimates = countEstimates(gradient, mean, batch)
    counts = roundedTo(
      head.bias === null
        ? estimates.map((value, c) => value / featureSum(auxiliary, c))
        : estimates,
      batch,
    )
  }
  return counts ?? new Int32Array(head.classes)
}

const featureSum = (auxiliary: AuxiliaryStatistics, label: number): number =>
  (auxiliary.byLabel[label] ?? auxiliary.overall).featureSum

/**
 * The factor an update was scaled by. Where a class is absent, its entry is the factor times p̄_c, the largest share any class
 * can have; with more classes than records at least their difference is absent. The median of those, at most 1.
 */
function scaleOf(observed: ArrayLike<number>, mean: ArrayLike<number>, batch: number): number {
  const ratios = Array.from(observed, (value, c) => value / Math.max(mean[c]!, 1e-12))
  const absent = ratios.sort((a, b) => b - a).slice(0, Math.max(1, ratios.length - batch))
  const middle = absent[Math.floor(absent.length / 2)]!
  return middle > 0 ? Math.min(1, middle) : 1
}
