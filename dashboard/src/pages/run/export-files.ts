/** What one takes along of a run, as files. */
import { countsOf, type RunRecord } from '#protocol/record.js'
import { csvText } from '../../parts/chart-files.js'

/** A row for each closed round: the same table that `tributary runs export --metrics csv` writes. */
export function roundsCsv({ rounds }: Pick<RunRecord, 'rounds'>): string {
  const names = [...new Set(rounds.flatMap(({ metrics }) => Object.keys(metrics)))].sort()
  const rows = rounds.map((record): (string | number | null)[] => [
    ...[record.round, record.attempt, record.purpose, record.part],
    ...[countsOf(record).asked, countsOf(record).accepted],
    ...[record.bytesUp, record.bytesDown, record.durationMs / 1000, record.closedAt],
    ...names.map((name) => record.metrics[name] ?? null),
  ])
  return csvText([[...COLUMNS, ...names], ...rows])
}
const COLUMNS = [
  ...['round', 'attempt', 'purpose', 'part', 'asked', 'reported'],
  ...['bytes_up', 'bytes_down', 'seconds', 'closed_at'],
]

export const jsonFile = (value: unknown): Blob =>
  new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' })
