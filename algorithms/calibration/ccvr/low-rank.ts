/** A scatter as its strongest directions and the rest as variances (ccvr specification §4, covariance modes). */
import { eigenOf } from '#algorithms/matrix/eigen.js'
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'
import { diagonalOf } from './moments.js'
import type { Floats } from './moments.js'

export interface LowRankScatter {
  /** [r, d]: eigenvectors times the square root of their eigenvalue, the strongest first. */
  readonly directions: Floats
  /** [d]: what the diagonal has beyond the directions, ≥ 0. */
  readonly residuals: Floats
}

/** The strongest `rank` directions, at most d, of a packed scatter of d × d. */
export async function lowRankOf(
  scatter: Float64Array,
  d: number,
  rank: number,
): Promise<LowRankScatter> {
  const { values, vectors } = await eigenOf(scatter, d)
  const directions = new Float64Array(rank * d)
  const residuals = Float64Array.from(diagonalOf(scatter, d, 'full'))
  for (let r = 0; r < rank; r++) {
    const column = d - 1 - r
    const scale = Math.sqrt(Math.max(0, values[column]!))
    for (let i = 0; i < d; i++) {
      const value = scale * vectors[i * d + column]!
      directions[r * d + i] = value
      residuals[i]! -= value * value
    }
  }
  return { directions, residuals: residuals.map((value) => Math.max(0, value)) }
}

/** The scatter that they stand for, packed: Σ v vᵀ + diag(residuals). */
export function scatterOfLowRank({ directions, residuals }: LowRankScatter): Float64Array {
  const d = residuals.length
  const scatter = new Float64Array(triangle(d))
  for (let start = 0; start < directions.length; start += d) {
    for (let i = 0, at = 0; i < d; i++) {
      const value = directions[start + i]!
      for (let j = 0; j <= i; j++, at++) scatter[at]! += value * directions[start + j]!
    }
  }
  residuals.forEach((value: number, i: number) => (scatter[diagonalAt(i)]! += value))
  return scatter
}
