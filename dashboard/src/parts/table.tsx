import { ArrowDown, ArrowUp } from 'lucide-react'
import { useState, type CSSProperties, type ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import { Button } from './button.js'
import { Checkbox } from './checkbox.js'
import { sorted, type Sort } from './sorting.js'
import css from './table.module.css'

export interface Column<Row> {
  readonly id: string
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  /** By which rows can be put in order; null stands last, whichever way. */
  readonly sortBy?: (row: Row) => string | number | null
  /** Numbers stand at the end, so that their digits line up. */
  readonly align?: 'start' | 'end'
  /** Names the row to who hears the page. */
  readonly isRowHeader?: boolean
  /** In pixels; the others share what is left. */
  readonly width?: number
  /** The same on a phone. */
  readonly narrowWidth?: number
  /** Left out where the page is narrower. */
  readonly from?: 'phone' | 'tablet' | 'desktop'
  /** The header is said only. */
  readonly hidesHeader?: boolean
}
export interface Selection {
  readonly keys: ReadonlySet<string>
  readonly onChange: (keys: ReadonlySet<string>) => void
  /** What one chooses, for who hears the page: "Compare fedavg-01". */
  readonly label: (key: string) => string
  /** No more than so many can be chosen. */
  readonly most?: number
}
export interface TableProps<Row> {
  /** What the table holds, for who hears the page. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly sort?: Sort
  readonly onSort?: (sort: Sort) => void
  readonly selection?: Selection
  /** A link in a cell with the class `rowLink` opens the row wherever one presses it. */
  readonly isDense?: boolean
}

/** So many rows are drawn at first, and with every "Show more". */
const STEP = 100

export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, sort, onSort, selection, isDense = false } = props
  const [most, setMost] = useState(STEP)
  const column = columns.find(({ id }) => id === sort?.by)
  const inOrder = sort === undefined ? rows : sorted(rows, column?.sortBy, sort.isDescending)
  return (
    <>
      <table className={classNames(css['table'], isDense && css['dense'])}>
        <caption className="said">{caption}</caption>
        <colgroup>
          {selection !== undefined && <col className={css['selectColumn']} />}
          {columns.map(({ id, width, narrowWidth, from = 'phone' }) => (
            <col
              key={id}
              className={classNames(css['column'], css[from])}
              style={widths(width, narrowWidth)}
            />
          ))}
        </colgroup>
        <thead>
          <tr>
            {selection !== undefined && (
              <th scope="col" className={css['select']}>
                <span className="said">Chosen</span>
              </th>
            )}
            {columns.map((each) => (
              <HeaderCell key={each.id} column={each} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {inOrder.slice(0, most).map((row) => {
            const key = keyOf(row)
            return (
              <tr key={key} data-selected={selection?.keys.has(key) === true}>
                {selection !== undefined && <SelectCell selection={selection} rowKey={key} />}
                {columns.map((each) => (
                  <Cell key={each.id} column={each} row={row} />
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
      {rows.length > most && (
        <div className={css['more']}>
          <Button look="quiet" onPress={() => setMost(most + STEP)}>
            Show more ({rows.length - most} left)
          </Button>
        </div>
      )}
    </>
  )
}

/** As styles know them: which one counts says how wide the page is. */
const widths = (wide: number | undefined, narrow: number | undefined): CSSProperties =>
  Object.fromEntries([
    ...(wide === undefined ? [] : [['--wide', `${wide}px`]]),
    ...(narrow === undefined ? [] : [['--narrow', `${narrow}px`]]),
  ]) as CSSProperties

function HeaderCell<Row>({
  column,
  sort,
  onSort,
}: {
  readonly column: Column<Row>
  readonly sort: Sort | undefined
  readonly onSort: ((sort: Sort) => void) | undefined
}) {
  const { id, header, sortBy, align, from = 'phone', hidesHeader = false } = column
  const className = classNames(css[from], align === 'end' && css['end'])
  if (sortBy === undefined || onSort === undefined)
    return (
      <th scope="col" className={className}>
        {hidesHeader ? <span className="said">{header}</span> : header}
      </th>
    )
  const isSorted = sort?.by === id
  const direction = sort?.isDescending === true ? 'descending' : 'ascending'
  const Arrow = direction === 'descending' ? ArrowDown : ArrowUp
  // Numbers are asked for from the largest, names from A.
  const next = isSorted ? !sort.isDescending : align === 'end'
  return (
    <th scope="col" className={className} aria-sort={isSorted ? direction : 'none'}>
      <button
        type="button"
        className={css['sort']}
        onClick={() => onSort({ by: id, isDescending: next })}
      >
        {header}
        {isSorted && <Arrow size={12} aria-hidden="true" />}
      </button>
    </th>
  )
}

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const { cell, align, from = 'phone', isRowHeader = false } = column
  const className = classNames(css[from], align === 'end' && css['end'])
  return isRowHeader ? (
    <th scope="row" className={className}>
      {cell(row)}
    </th>
  ) : (
    <td className={className}>{cell(row)}</td>
  )
}

function SelectCell({
  selection,
  rowKey,
}: {
  readonly selection: Selection
  readonly rowKey: string
}) {
  const { keys, onChange, label, most = Infinity } = selection
  const isSelected = keys.has(rowKey)
  const toggle = (): void => {
    const next = new Set(keys)
    if (!next.delete(rowKey)) next.add(rowKey)
    onChange(next)
  }
  return (
    <td className={css['select']}>
      <Checkbox
        label={label(rowKey)}
        hidesLabel
        isSelected={isSelected}
        isDisabled={!isSelected && keys.size >= most}
        onChange={toggle}
      />
    </td>
  )
}
