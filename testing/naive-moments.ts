/** Class moments and matrices by pencil: plain arrays of rows, nothing of the packed kernels that they check. For tests. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import type { ClassMoments, ClassStatistics } from '#algorithms/calibration/ccvr/moments.js'

export type Vector = readonly number[]
export type Rows = readonly Vector[]
/** Mean and scatter of rows in two passes, as a textbook has them. */
export function naiveMoments(rows: Rows, width: number) {
  const n = rows.length
  const mean = Array.from({ length: width }, (_, i) =>
    rows.reduce((sum, row) => sum + row[i]! / n, 0),
  )
  const scatter = mean.map((_, i) =>
    mean.map((__, j) =>
      rows.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0),
    ),
  )
  return { n, mean, scatter }
}

export const scaledBy = (matrix: Rows, by: number): Rows =>
  matrix.map((row) => row.map((value) => value * by))
/** The unbiased covariance of all rows. */
export const naiveCovariance = (rows: Rows, width: number): Rows =>
  scaledBy(naiveMoments(rows, width).scatter, 1 / (rows.length - 1))

const placeOf = (i: number, j: number): number => {
  const [row, column] = [Math.max(i, j), Math.min(i, j)]
  return (row * (row + 1)) / 2 + column
}
/** A packed lower triangle as a whole matrix. */
export const matrixOf = (packed: ArrayLike<number>, d: number): Rows =>
  Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => packed[placeOf(i, j)]!))
export const covarianceOf = ({ n, mean, scatter }: ClassMoments): Rows =>
  scaledBy(matrixOf(scatter, mean.length), 1 / (n - 1))

/** Ascending. */
export const eigenvalues = (matrix: Rows): readonly number[] =>
  new EigenvalueDecomposition(new Matrix(matrix.map((row) => [...row])), { assumeSymmetric: true })
    .realEigenvalues
export const trace = (matrix: Rows): number => matrix.reduce((sum, row, i) => sum + row[i]!, 0)
export const frobenius = (matrix: Rows): number => Math.hypot(...matrix.flat())
export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)

/** The largest difference of two matrices or vectors, relative to 1 + the largest element of the second. */
export function distance(a: Rows | Vector, b: Rows | Vector): number {
  const [left, right] = [a.flat(), b.flat()]
  if (left.length !== right.length) return Infinity
  const gap = left.reduce((most, value, i) => {
    const step = Math.abs(value - right[i]!)
    return Number.isNaN(step) ? Infinity : Math.max(most, step)
  }, 0)
  return gap / (1 + largest(right))
}

/** How far two statistics are from each other; infinite where they are about different classes or counts. */
export function apart(a: ClassStatistics, b: ClassStatistics): number {
  if ([...a.byClass.keys()].join() !== [...b.byClass.keys()].join()) return Infinity
  return [...a.byClass].reduce((most, [label, { n, mean, scatter }]) => {
    const other = b.byClass.get(label)!
    if (n !== other.n) return Infinity
    const own = Math.max(
      distance([...mean], [...other.mean]),
      distance([...scatter], [...other.scatter]),
    )
    return Math.max(most, own)
  }, 0)
}
