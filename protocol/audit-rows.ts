/** Which rows of a report a verdict comes from. */
import type { AuditedSettings, AuditReport, AuditRow } from './audit-report.js'
import { canonicalJson } from './json.js'

/** Local steps of a client that holds `batchSize` records. */
export const stepsOf = (
  { training }: Pick<AuditedSettings, 'training'>,
  batchSize: number,
): number => training.localEpochs * Math.ceil(batchSize / training.batchSize)

type ConfiguredRow = Pick<AuditRow, 'batchSize' | 'localSteps' | 'modelState' | 'clients'> & {
  readonly updates: readonly unknown[]
}

/**
 * Whether the row is what a client of the run sends, had it as many records: the run's own transforms, steps and start, and
 * no other client's update mixed in.
 */
export const isAsConfigured = (row: ConfiguredRow, settings: AuditedSettings): boolean =>
  canonicalJson(row.updates) === canonicalJson(settings.updates) &&
  row.localSteps === stepsOf(settings, row.batchSize) &&
  row.modelState === (settings.startFrom === null ? 'fresh' : 'trained') &&
  row.clients === 1

/** The rows that a verdict about the run comes from: those as it is configured; all, where none is. */
export function decisiveRows(report: Pick<AuditReport, 'rows' | 'settings'>): readonly AuditRow[] {
  const own = report.rows.filter((row) => isAsConfigured(row, report.settings))
  return own.length > 0 ? own : report.rows
}

/**
 * Of how many records of one client the report speaks at least: those of the smallest row that decides. A client that trains on
 * fewer sends an update that shows more of each.
 */
export function fewestRecords(report: {
  readonly rows: readonly (ConfiguredRow & Pick<AuditRow, 'approximation'>)[]
  readonly settings: AuditedSettings
}): number {
  const own = report.rows.filter((row) => isAsConfigured(row, report.settings) && isFollowed(row))
  return Math.min(...(own.length > 0 ? own : report.rows).map(({ batchSize }) => batchSize))
}
/** Exact unrolling keeps every step to differentiate it: gifd specification §12, item 9. */
export const MOST_UNROLLED_STEPS = 8

/** By the strongest way that there is: one gradient in place of steps that could be followed shows less. */
const isFollowed = ({
  approximation,
  localSteps,
}: Pick<AuditRow, 'approximation' | 'localSteps'>): boolean =>
  approximation === 'unrolled' || localSteps > MOST_UNROLLED_STEPS

/**
 * Whether the report says anything about a run with its settings: one row is a single batch of it, or less, and was attacked
 * through its local steps as far as these can be followed.
 */
export const coversRun = ({ rows, settings }: Pick<AuditReport, 'rows' | 'settings'>): boolean =>
  rows.some(
    (row) =>
      isAsConfigured(row, settings) &&
      row.batchSize <= settings.training.batchSize &&
      isFollowed(row),
  )
