import type { CurveLine } from './curves.js'

/** Points of all lines on the x that any of them has, in order: a column of x, and one for each line. null: it has none there. */
export interface CurveRows {
  readonly x: readonly number[]
  readonly columns: readonly (readonly (number | null)[])[]
}

export function rowsOf(lines: readonly CurveLine[]): CurveRows {
  const x = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b)
  return { x, columns: lines.map((line) => columnOf(x, line.x, line.y)) }
}

type Values = readonly (number | null)[]
function columnOf(x: readonly number[], at: readonly number[], values: Values): Values {
  const byX = new Map(at.map((each, i) => [each, values[i] ?? null]))
  return x.map((each) => byX.get(each) ?? null)
}

/** As they are drawn: x, a column for each line, then the upper and the lower end of each band, in the order of their lines. */
export function alignedOf(lines: readonly CurveLine[]): readonly Values[] {
  const { x, columns } = rowsOf(lines)
  const ends = lines.flatMap(({ band, x: at }) =>
    band === undefined ? [] : [columnOf(x, at, band.high), columnOf(x, at, band.low)],
  )
  return [x, ...columns, ...ends]
}
