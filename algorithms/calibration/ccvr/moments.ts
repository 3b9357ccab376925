/** Class moments of features, and how those of several clients become one. Everything in float64. */
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'

/** Numbers that may have travelled as float32. */
export type Floats = Float64Array | Float32Array

/** Of one class. */
export interface ClassMoments {
  /** Examples, ≥ 1. */
  readonly n: number
  /** [d] */
  readonly mean: Float64Array
  /**
   * Σ (z − mean)(z − mean)ᵀ. full: packed lower triangle, row by row, d(d+1)/2. diag: its diagonal, [d]. none: empty.
   */
  readonly scatter: Float64Array
}
export type ScatterShape = 'full' | 'diag' | 'none'

/** Moments of one client or of all, by label; only classes that occur. */
export interface ClassStatistics {
  readonly d: number
  readonly classes: number
  readonly shape: ScatterShape
  readonly byClass: ReadonlyMap<number, ClassMoments>
}

/** All that is known of one class after merging. */
export interface GlobalClass {
  readonly label: number
  readonly n: number
  /** Clients that hold the class; null where clients told only sums. */
  readonly clients: number | null
  /** [d]; zeros where the class is missing. */
  readonly mean: Float64Array
  /** Unbiased, packed lower triangle [d(d+1)/2], shrunk where the class has few examples; null: missing. */
  readonly covariance: Float64Array | null
  readonly status: 'ok' | 'single' | 'low-rank' | 'missing'
  /** Share of tr(scatter) that lies between clients; null without scatter or where it is 0. */
  readonly betweenClients: number | null
}

/** Elements of a scatter. */
export const scatterSize = (d: number, shape: ScatterShape): number =>
  ({ full: triangle(d), diag: d, none: 0 })[shape]

/** The diagonal of a scatter, [d]; empty without one. A view for diag. */
export function diagonalOf(scatter: Floats, d: number, shape: ScatterShape): Floats {
  if (shape !== 'full') return scatter
  return Float64Array.from({ length: d }, (_, i) => scatter[diagonalAt(i)]!)
}

/** Sum of the diagonal; 0 without one. */
export function traceOf(scatter: Floats, d: number, shape: ScatterShape): number {
  if (shape === 'none') return 0
  let sum = 0
  for (let i = 0; i < d; i++) sum += scatter[shape === 'full' ? diagonalAt(i) : i]!
  return sum
}
