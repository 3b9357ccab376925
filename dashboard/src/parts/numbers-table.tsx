import { csvText } from './chart-files.js'
import css from './curves.module.css'

/** A column of the numbers of a chart. */
export interface NumbersColumn {
  readonly header: string
  /** Default: as it is. */
  readonly format?: (value: number) => string
}
export type NumbersCell = string | number | null
/** What a chart shows: names in the first column. null: not known. */
export interface Numbers {
  readonly columns: readonly NumbersColumn[]
  readonly rows: readonly (readonly NumbersCell[])[]
}

/** The numbers of a chart, for who reads rather than looks. */
export function NumbersTable({
  caption,
  numbers: { columns, rows },
}: {
  readonly caption: string
  readonly numbers: Numbers
}) {
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
            {columns.map(({ header }, i) => (
              <th key={i} scope="col">
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => {
                const text = textOf(cell, columns[j])
                return j === 0 ? (
                  <th key={j} scope="row">
                    {text}
                  </th>
                ) : (
                  <td key={j}>{text}</td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function textOf(cell: NumbersCell, column: NumbersColumn | undefined): string {
  if (cell === null) return '–'
  if (typeof cell === 'string') return cell
  return column?.format?.(cell) ?? String(cell)
}

/** Unrounded. */
export const numbersCsv = ({ columns, rows }: Numbers): Blob =>
  new Blob([csvText([columns.map(({ header }) => header), ...rows])], { type: 'text/csv' })
