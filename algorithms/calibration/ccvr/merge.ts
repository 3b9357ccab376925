/** Moments of parts of the data into those of their union, without loss (ccvr specification §4). */
import { diagonalAt } from '#algorithms/matrix/packed.js'
import type { ClassMoments, ClassStatistics, Floats, ScatterShape } from './moments.js'

/** A part of a class: moments that may have travelled as float32. */
export interface MomentsPart {
  readonly n: number
  readonly mean: Floats
  /** Empty where nothing is known of it: it counts as 0. */
  readonly scatter: Floats
}

/** Moments that grow. Begins with n = 0 and zeros. */
export interface GrowingMoments {
  n: number
  readonly mean: Float64Array
  readonly scatter: Float64Array
}

/**
 * Formula (4''): n = n_a + n_b, δ = m_b − m_a, m = m_a + δ n_b/n, S = S_a + S_b + δδᵀ n_a n_b/n. A part without examples
 * changes nothing, whatever its mean and scatter hold. Returns tr(δδᵀ) n_a n_b/n: what lies between the two.
 */
export function addMoments(into: GrowingMoments, part: MomentsPart, shape: ScatterShape): number {
  if (!(part.n > 0)) return 0
  const n = into.n + part.n
  const delta = Float64Array.from(part.mean, (value, i) => value - into.mean[i]!)
  const weight = (into.n * part.n) / n
  addScatter(into.scatter, part.scatter)
  if (weight > 0) addProducts(into.scatter, delta, { weight, shape })
  for (let i = 0; i < delta.length; i++) into.mean[i]! += delta[i]! * (part.n / n)
  into.n = n
  return weight * squaredLength(delta)
}

function addScatter(into: Float64Array, scatter: Floats): void {
  for (let at = 0; at < scatter.length; at++) into[at]! += scatter[at]!
}

/** scatter += weight · values valuesᵀ */
export function addProducts(
  scatter: Float64Array,
  values: Floats,
  { weight, shape }: { readonly weight: number; readonly shape: ScatterShape },
): void {
  if (shape === 'none') return
  if (shape === 'diag') {
    for (let i = 0; i < values.length; i++) scatter[i]! += weight * values[i]! * values[i]!
    return
  }
  for (let i = 0, at = 0; i < values.length; i++) {
    const scaled = weight * values[i]!
    for (let j = 0; j <= i; j++, at++) scatter[at]! += scaled * values[j]!
  }
}

export function squaredLength(values: Floats): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}

/** Two parts of a class as one; null: no part. Neither is changed. */
export function mergeMoments(
  a: ClassMoments | null,
  b: ClassMoments | null,
  shape: ScatterShape,
): ClassMoments | null {
  if (a === null) return b
  if (b === null) return a
  const merged = { n: a.n, mean: a.mean.slice(), scatter: a.scatter.slice() }
  addMoments(merged, b, shape)
  return merged
}

/** The statistics of two parts of the data as those of both. */
export function mergeStatistics(a: ClassStatistics, b: ClassStatistics): ClassStatistics {
  const labels = [...new Set([...a.byClass.keys(), ...b.byClass.keys()])].sort((x, y) => x - y)
  const byClass = new Map<number, ClassMoments>()
  for (const label of labels) {
    const [mine, theirs] = [a.byClass.get(label) ?? null, b.byClass.get(label) ?? null]
    const merged = mergeMoments(mine, theirs, a.shape)
    if (merged !== null) byClass.set(label, merged)
  }
  return { ...a, byClass }
}

/** Linear sums (4''') around a public point r: n, Σ(z − r), Σ(z − r)(z − r)ᵀ in the shape of the scatter. They add up. */
export interface LinearSums {
  readonly n: number
  readonly sum: Float64Array
  readonly products: Float64Array
}

/** Zeros stand for the origin. */
export function linearSums(
  { n, mean, scatter }: ClassMoments,
  shape: ScatterShape,
  around?: Floats,
): LinearSums {
  const offset = mean.map((value, i) => value - (around?.[i] ?? 0))
  const products = scatter.slice()
  addProducts(products, offset, { weight: n, shape })
  return { n, sum: offset.map((value) => n * value), products }
}

/**
 * The inverse: δ = Σ(z − r)/n, mean = r + δ, scatter = Σ(z − r)(z − r)ᵀ − n δδᵀ. Null where n is 0. What rounding leaves
 * below 0 on the diagonal becomes 0, and one example has no scatter.
 */
export function momentsOfSums(
  { n, sum, products }: LinearSums,
  shape: ScatterShape,
  around?: Floats,
): ClassMoments | null {
  if (!(n > 0)) return null
  const offset = sum.map((value) => value / n)
  const mean = offset.map((value, i) => value + (around?.[i] ?? 0))
  const scatter = n > 1 ? products.slice() : new Float64Array(products.length)
  if (n > 1) {
    addProducts(scatter, offset, { weight: -n, shape })
    clampDiagonal(scatter, mean.length, shape)
  }
  return { n, mean, scatter }
}

function clampDiagonal(scatter: Float64Array, d: number, shape: ScatterShape): void {
  if (shape === 'none') return
  for (let i = 0; i < d; i++) {
    const at = shape === 'full' ? diagonalAt(i) : i
    scatter[at] = Math.max(0, scatter[at]!)
  }
}
