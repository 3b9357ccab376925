import type { CurveLine } from './curves.js'

/** Points of all lines on the x that any of them has, in order: a column of x, and one for each line. null: it has none there. */
export interface CurveRows {
  readonly x: readonly number[]
  readonly columns: readonly (readonly (number | null)[])[]
}

export function rowsOf(lines: readonly CurveLine[]): CurveRows {
  const x = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b)
  const columns = lines.map((line) => {
    const byX = new Map(line.x.map((at, i) => [at, line.y[i] ?? null]))
    return x.map((at) => byX.get(at) ?? null)
  })
  return { x, columns }
}
