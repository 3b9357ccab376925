/**
 * The nearest point of an l1 ball: GIFD keeps each stage near its start with it. Exact, by sorting (gifd specification §9.2;
 * Duchi et al., Efficient projections onto the l1-ball for learning in high dimensions, ICML 2008). Float64 inside.
 */

export const l1Norm = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!)
  return sum
}

/** What every entry must shrink by, so that the rest has norm `radius`; 0 inside the ball. */
function threshold(values: ArrayLike<number>, radius: number): number {
  if (l1Norm(values) <= radius) return 0
  const sizes = Float64Array.from(values, Math.abs).sort().reverse()
  let sum = 0
  let theta = 0
  for (let j = 0; j < sizes.length; j++) {
    sum += sizes[j]!
    const candidate = (sum - radius) / (j + 1)
    // The first always counts, also where the radius is lost in its rounding.
    if (j > 0 && sizes[j]! <= candidate) break
    theta = candidate
  }
  return theta
}

/** The point nearest to `values` with l1 norm ≤ radius. A radius of 0 or less is no constraint, as in §18: a copy. */
export function projectL1(values: ArrayLike<number>, radius: number): Float64Array {
  const theta = radius > 0 ? threshold(values, radius) : 0
  return Float64Array.from(values, (value) =>
    theta === 0 ? value : Math.sign(value) * Math.max(Math.abs(value) - theta, 0),
  )
}

/** A ball for each row of `centers`, [rows, …] one after another; `radii`: one a row, 0 or less for no constraint. */
export interface RowBalls {
  readonly centers: Float32Array
  readonly radii: readonly number[]
}

/** `rho` of each row's l1 norm: radii that transfer between generators (§9.1). Null: no ball. */
export function relativeBalls(centers: Float32Array, rows: number, rho: number | null): RowBalls {
  const size = centers.length / rows
  const radii = Array.from({ length: rows }, (_, row) =>
    rho === null ? 0 : rho * l1Norm(centers.subarray(row * size, (row + 1) * size)),
  )
  return { centers, radii }
}

/** c + Π(values − c), row by row. */
export function projectRows(values: ArrayLike<number>, { centers, radii }: RowBalls): Float32Array {
  const size = centers.length / radii.length
  const projected = new Float32Array(centers.length)
  radii.forEach((radius, row) => {
    const first = row * size
    const moved = Float64Array.from(
      { length: size },
      (_, i) => values[first + i]! - centers[first + i]!,
    )
    projectL1(moved, radius).forEach((by, i) => {
      projected[first + i] = centers[first + i]! + by
    })
  })
  return projected
}
