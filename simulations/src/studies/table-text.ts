/** The tables of a study in words: the same on a terminal and in its page of results. */
import { bytes, decimals, percent } from '#simulations/report/numbers.js'
import type { ClientRow, Estimate, StudyRow, StudyTable } from './table.js'

/** Shares are read as percentages. */
export const isShare = (measure: string): boolean =>
  /accuracy|recall|^clients\/(?:deviation|worst)/i.test(measure)
export const valueText = (measure: string, value: number): string =>
  isShare(measure) ? percent(value) : decimals(value)

/** A table as people read it: numbers as text, and no column that is empty. */
export function tableText(table: StudyTable): {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
} {
  const { rows } = table
  const columns = columnsOf(table).filter(({ cells }) => cells.some((cell) => cell !== NOTHING))
  return {
    head: columns.map(({ title }) => title),
    rows: rows.map((_, row) => columns.map(({ cells }) => cells[row] ?? NOTHING)),
  }
}
const NOTHING = '–'

interface Column {
  readonly title: string
  readonly cells: readonly string[]
}
function columnsOf({ rows, baseline }: StudyTable): readonly Column[] {
  const measure = rows[0]?.measure ?? ''
  const column = (title: string, cell: (row: StudyRow) => string | null): Column => ({
    title,
    cells: rows.map((row) => cell(row) ?? NOTHING),
  })
  const text = (value: number): string => valueText(measure, value)
  const share = (value: number | null) => (value === null ? null : percent(value))
  const gains = (title: string, of: (row: StudyRow) => Estimate | null) =>
    column(title, (row) => {
      const gain = of(row)
      return gain && gainText(measure, gain)
    })
  const gain = gains(
    baseline === null ? 'gain of the base' : `gain over ${baseline}`,
    (row) => row.gain,
  )
  const isCalibrated = rows.some(({ before }) => before !== null)
  const added = gains('gain over before', ({ calibrationGain }) => calibrationGain)
  // Where all start from the baseline, what a calibration adds is the gain over the baseline.
  const isNew = added.cells.some((cell, row) => cell !== NOTHING && cell !== gain.cells[row])
  return [
    column('variant', ({ variant }) => variant),
    column('before', ({ before }) => before && text(before.mean)),
    column(titleOf(measure), ({ value }) => value && estimateText(value, text)),
    ...(baseline === null ? [] : [gain]),
    ...(isNew ? [added] : []),
    ...(isCalibrated
      ? [
          column('worst before', ({ worstBefore }) => share(worstBefore)),
          column('worst class', ({ worstClass }) => share(worstClass)),
        ]
      : []),
    ...clientColumns(rows, { measure, column }),
    column('seeds', ({ seeds }) => String(seeds.length)),
    // Of clients, the columns before tell more.
    ...(rows.some(({ clients }) => clients !== null)
      ? []
      : [
          column('lowest client', ({ lowestClient }) => share(lowestClient)),
          column('highest client', ({ highestClient }) => share(highestClient)),
        ]),
    column('up', ({ bytesUp }) => bytes(bytesUp)),
    column('down', ({ bytesDown }) => bytes(bytesDown)),
    column('seconds', ({ seconds }) => seconds.toFixed(1)),
    ...(baseline === null ? [gain] : []),
  ]
}

const MEAN_OVER_CLIENTS = 'clients/accuracy'
const titleOf = (measure: string): string =>
  measure === MEAN_OVER_CLIENTS ? 'mean over clients' : measure

/** Nothing where the measure is not one over clients. */
function clientColumns(
  rows: readonly StudyRow[],
  { measure, column }: ColumnMaker,
): readonly Column[] {
  const ofClients = (title: string, cell: (row: ClientRow) => string | null): Column =>
    column(title, ({ clients }) => clients && cell(clients))
  const share = (title: string, of: (row: ClientRow) => number | null): Column =>
    ofClients(title, (row) => {
      const value = of(row)
      return value === null ? null : percent(value)
    })
  const some = (of: (row: ClientRow) => number | null): boolean =>
    rows.some(({ clients }) => clients !== null && (of(clients) ?? 0) > 0)
  return [
    ...(measure === MEAN_OVER_CLIENTS
      ? []
      : [ofClients(titleOf(MEAN_OVER_CLIENTS), ({ mean }) => mean && estimateText(mean, percent))]),
    share('deviation between clients', ({ deviation }) => deviation),
    share('worst client', ({ worst }) => worst),
    share('worst 10 %', ({ worst10 }) => worst10),
    share('beat local training', ({ beatsLocal }) => beatsLocal),
    ...(some(({ singleClass }) => singleClass)
      ? [share('mean without clients of one class', ({ severalClasses }) => severalClasses)]
      : []),
    ...(some(({ untrained }) => untrained)
      ? [share('mean over clients with own model', ({ trained }) => trained)]
      : []),
  ]
}
interface ColumnMaker {
  readonly measure: string
  readonly column: (title: string, cell: (row: StudyRow) => string | null) => Column
}

const estimateText = ({ mean, spread }: Estimate, text: (value: number) => string): string =>
  `${text(mean)} ± ${spread === null ? NOTHING : text(spread)}`

/** With its sign, unless it rounds to nothing; of shares in percentage points. */
export function gainText(measure: string, { mean, spread }: Estimate): string {
  const points = (value: number): string =>
    isShare(measure) ? (value * 100).toFixed(2) : decimals(value)
  const isNothing = Number(points(mean)) === 0
  const sign = isNothing ? '' : mean > 0 ? '+' : '-'
  const unit = isShare(measure) ? ' points' : ''
  return `${sign}${points(Math.abs(mean))} ± ${spread === null ? NOTHING : points(spread)}${unit}`
}
