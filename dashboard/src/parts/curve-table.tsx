import { useMemo } from 'react'
import { rowsOf } from './curve-rows.js'
import css from './curves.module.css'
import type { Axis, CurveLine } from './curves.js'

/** The numbers of a chart, for who reads rather than looks. */
export function CurveTable({
  caption,
  lines,
  xAxis,
  yAxis,
}: {
  readonly caption: string
  readonly lines: readonly CurveLine[]
  readonly xAxis: Axis
  readonly yAxis: Axis
}) {
  const { x, columns } = useMemo(() => rowsOf(lines), [lines])
  return (
    // It scrolls, so that it must be reached by keyboard.
    <div
      className={css['tableBox']}
      tabIndex={0}
      role="region"
      aria-label={`${caption}, as a table`}
    >
      <table className={css['table']}>
        <caption className="said">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{xAxis.label}</th>
            {lines.map(({ id, label }) => (
              <th key={id} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {x.map((at, i) => (
            <tr key={at}>
              <th scope="row">{xAxis.format(at)}</th>
              {columns.map((column, line) => {
                const value = column[i] ?? null
                return <td key={lines[line]?.id}>{value === null ? '–' : yAxis.format(value)}</td>
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
