/** What a run measured, as tables for spreadsheets and statistics programs: one row a round, and one a client's update. */
import { stringify } from 'csv-stringify/sync'
import { countsOf, type Metrics, type RunRecord } from '#protocol/record.js'

export interface MetricsTables {
  /** One row a closed round: what it was, whom it asked, what it cost, and every metric that some round has. */
  readonly rounds: string
  /** One row an update that counted, with what its client measured. */
  readonly clients: string
}

/** Metrics that are missing in a row are empty cells. Metrics are columns in the order of their names. */
export function metricsTables({ rounds, roster }: RunRecord): MetricsTables {
  const names = new Map(roster.map(({ slot, name }) => [slot, name]))
  const roundRows = rounds.map((record) => ({
    fixed: {
      round: record.round,
      attempt: record.attempt,
      purpose: record.purpose,
      part: record.part,
      asked: countsOf(record).asked,
      reported: countsOf(record).accepted,
      bytes_up: record.bytesUp,
      bytes_down: record.bytesDown,
      seconds: record.durationMs / 1000,
      closed_at: record.closedAt,
    },
    metrics: record.metrics,
  }))
  const clientRows = rounds.flatMap(({ round, accepted }) =>
    accepted.map(({ slot, weight, metrics }) => ({
      fixed: { round, slot, name: names.get(slot) ?? '', examples: weight },
      metrics,
    })),
  )
  return { rounds: table(ROUND_COLUMNS, roundRows), clients: table(CLIENT_COLUMNS, clientRows) }
}
const ROUND_COLUMNS = [
  ...['round', 'attempt', 'purpose', 'part', 'asked', 'reported'],
  ...['bytes_up', 'bytes_down', 'seconds', 'closed_at'],
]
const CLIENT_COLUMNS = ['round', 'slot', 'name', 'examples']

interface Row {
  readonly fixed: Readonly<Record<string, string | number>>
  readonly metrics: Metrics
}

function table(columns: readonly string[], rows: readonly Row[]): string {
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))].sort()
  const cells = rows.map((row) => [
    ...columns.map((column) => row.fixed[column]),
    ...metrics.map((name) => row.metrics[name] ?? ''),
  ])
  return stringify([[...columns, ...metrics], ...cells], {
    // A name that a node chose must not become a formula of a spreadsheet.
    escape_formulas: true,
    cast: { number: (value) => ({ value: String(value), escape_formulas: false }) },
  })
}
