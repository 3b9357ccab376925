import type { ReactNode } from 'react'
import css from './wide-table.module.css'

export interface WideColumn {
  readonly head: string
  /** Stands at the end, so that digits line up. */
  readonly isNumber?: boolean
}

/** Many columns: scrolls by itself where the page is narrower. The first cell of a row names it. */
export function WideTable({
  caption,
  columns,
  rows,
}: {
  readonly caption: string
  readonly columns: readonly WideColumn[]
  readonly rows: readonly (readonly ReactNode[])[]
}) {
  return (
    // It scrolls, so that it must be reached by keyboard.
    <div className={css['box']} tabIndex={0} role="region" aria-label={`${caption}, as a table`}>
      <table className={css['table']}>
        <caption className="said">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, isNumber = false }, i) => (
              <th key={`${i} ${head}`} scope="col" data-number={isNumber}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, i) =>
                i === 0 ? (
                  <th key={i} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={i} data-number={columns[i]?.isNumber === true}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
