/** Class moments of features, and how those of several clients become one. Everything in float64. */

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
