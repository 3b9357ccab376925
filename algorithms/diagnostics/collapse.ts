/**
 * Where features of the classes lie, and how the head stands to them: how far a model is on its way to neural collapse.
 *
 * Paper: V. Papyan, X. Y. Han, D. L. Donoho, "Prevalence of Neural Collapse during the terminal phase of deep learning
 *   training", PNAS 117(40), 2020, https://arxiv.org/abs/2008.08186
 * Rule:  μ_c = mean feature of class c, μ_G = mean of the μ_c over the C classes that occur, m_c = μ_c − μ_G,  M = [m_1 … m_C]
 *        Σ_W = mean over c of the covariance within class c (divisor n_c),  Σ_B = M Mᵀ / C
 *        NC1: tr(Σ_W Σ_B⁺) / C.  NC2: std ‖m_c‖ / mean ‖m_c‖; std of cos(m_c, m_c′), mean |cos + 1 / (C − 1)| over pairs.
 *        NC3: ‖Wᵀ/‖W‖ − M/‖M‖‖², of the head's columns for these classes
 * The paper's classes are balanced. Here every class counts the same, however many examples it has: a common class does not
 * hide a rare one. Everything in float64.
 */
import type { Geometry } from '#protocol/diagnostics.js'
import { eigenOf } from '#algorithms/matrix/eigen.js'

type Measured = number | null

/** Features class by class, as far as the measures ask for them. */
export interface ClassFeatures {
  /** Of the classes that occur, ascending; at least one. */
  readonly labels: readonly number[]
  /** [d] each. */
  readonly means: readonly Float64Array[]
  /** Σ_W; null where it is not known, as where no class has more than one example. */
  readonly within: Within | null
}
export interface Within {
  readonly trace: number
  /** uᵀ Σ_W u */
  along(u: Float64Array): number
}

export type Collapse = Pick<
  Geometry,
  | 'withinClassVariability'
  | 'equinorm'
  | 'equiangularity'
  | 'maximalAngle'
  | 'selfDuality'
  | 'betweenClassShare'
>

/** `head`: its class vectors, [d, classes] row by row. */
export async function collapseOf(
  { labels, means, within }: ClassFeatures,
  head: ArrayLike<number>,
): Promise<Collapse> {
  const offsets = offsetsOf(means)
  const norms = offsets.map((offset) => Math.sqrt(dot(offset, offset)))
  const cosines = cosinesOf(offsets, norms)
  const largestAngle = -1 / (labels.length - 1)
  return {
    withinClassVariability: within === null ? null : await variability(offsets, within),
    equinorm: measured(deviation(norms) / mean(norms)),
    equiangularity: measured(deviation(cosines)),
    maximalAngle: measured(mean(cosines.map((cosine) => Math.abs(cosine - largestAngle)))),
    selfDuality: measured(duality(offsets, columnsOf(head, labels, offsets[0]!.length))),
    betweenClassShare: within === null ? null : betweenShare(norms, within.trace),
  }
}

/** μ_G: every class counts the same. */
export function middleOf(means: readonly Float64Array[]): Float64Array {
  const middle = new Float64Array(means[0]!.length)
  for (const one of means) one.forEach((value, i) => (middle[i]! += value / means.length))
  return middle
}

/** m_c = μ_c − μ_G */
export function offsetsOf(means: readonly Float64Array[]): readonly Float64Array[] {
  const middle = middleOf(means)
  return means.map((one) => one.map((value, i) => value - middle[i]!))
}

/** What is not a number is undefined: no pair of classes, or class means that are all the same. */
export const measured = (value: number): Measured => (Number.isFinite(value) ? value : null)

function betweenShare(norms: readonly number[], within: number): Measured {
  const between = mean(norms.map((norm) => norm * norm))
  return measured(between / (between + within))
}

function cosinesOf(offsets: readonly Float64Array[], norms: readonly number[]): readonly number[] {
  return offsets.flatMap((a, i) =>
    offsets.slice(0, i).map((b, j) => dot(a, b) / (norms[i]! * norms[j]!)),
  )
}

/** tr(Σ_W Σ_B⁺) / C = Σ uᵀ Σ_W u / λ / C over the directions in which class means differ. */
async function variability(offsets: readonly Float64Array[], within: Within): Promise<Measured> {
  const directions = await meanDirections(offsets)
  if (directions.length === 0) return null
  const sum = directions.reduce((total, { u, value }) => total + within.along(u) / value, 0)
  return measured(sum / offsets.length)
}

/** Share of the largest eigenvalue of Σ_B below which another one is rounding. */
const RESOLUTION = 1e-12

interface Direction {
  readonly value: number
  readonly u: Float64Array
}

/** Eigenpairs of Σ_B = M Mᵀ / C that are not 0, by the smaller of M Mᵀ and Mᵀ M. */
async function meanDirections(offsets: readonly Float64Array[]): Promise<readonly Direction[]> {
  const [count, d] = [offsets.length, offsets[0]!.length]
  const isByClass = count <= d
  const columns = Array.from({ length: d }, (_, i) => offsets.map((offset) => offset[i]!))
  const size = isByClass ? count : d
  const products = packedProducts(isByClass ? offsets : columns, count)
  const { values, vectors } = await eigenOf(products, size)
  const largest = values.at(-1) ?? 0
  return values.flatMap((value, j): Direction[] => {
    if (!(value > RESOLUTION * largest)) return []
    const v = Float64Array.from({ length: size }, (_, i) => vectors[i * size + j]!)
    if (!isByClass) return [{ value, u: v }]
    const scale = Math.sqrt(count * value)
    return [{ value, u: Float64Array.from(columns, (column) => dot(v, column) / scale) }]
  })
}

/** Products of each with each over `divisor`: packed lower triangle. */
export function packedProducts(rows: readonly ArrayLike<number>[], divisor = 1): Float64Array {
  return Float64Array.from(
    rows.flatMap((a, i) => rows.slice(0, i + 1).map((b) => dot(a, b) / divisor)),
  )
}

/** Of the classes named, [d] each. */
function columnsOf(
  head: ArrayLike<number>,
  labels: readonly number[],
  d: number,
): readonly Float64Array[] {
  const classes = head.length / d
  return labels.map((label) =>
    Float64Array.from({ length: d }, (_, i) => head[i * classes + label]!),
  )
}

/** ‖A/‖A‖ − B/‖B‖‖² */
function duality(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  const length = (rows: readonly Float64Array[]): number =>
    Math.sqrt(rows.reduce((sum, row) => sum + dot(row, row), 0))
  const [ofA, ofB] = [length(a), length(b)]
  return a.reduce((sum, row, i) => {
    const difference = row.map((value, at) => value / ofA - b[i]![at]! / ofB)
    return sum + dot(difference, difference)
  }, 0)
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
  return sum
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}
