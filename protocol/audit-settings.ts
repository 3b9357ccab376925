/** What a report is about: the settings of a run that decide how much one update shows. Anything else may change without a new audit. */
import type { AuditedSettings, AuditReport, AuditRow } from './audit-report.js'
import type { RunConfig } from './config-schema.js'
import { sha256, type Hash } from './ids.js'
import { canonicalJson } from './json.js'

/** The part of a complete configuration that reports name. */
export const settingsOf = (config: RunConfig): AuditedSettings => {
  const { task, model, startFrom, method, training, updates = [] } = config
  const settings = { task, model, startFrom, method, training, updates }
  return structuredClone(settings) as AuditedSettings
}

/** What clients of a run send beside the update that an audit attacks. Sentences with what to do; empty: nothing. */
export function notAudited({ calibration, evaluation }: RunConfig): readonly string[] {
  return [
    calibration !== undefined &&
      `The calibration ${calibration.name} makes clients tell of features of their examples, which no audit attacks; leave calibration out, and calibrate the finished run with runs calibrate`,
    evaluation.diagnostics !== undefined &&
      'evaluation.diagnostics makes clients send their whole local model, which no audit attacks; leave it out',
  ].filter((reason) => reason !== false)
}

export const settingsHash = (settings: AuditedSettings): Hash => sha256(canonicalJson(settings))

/** Paths of keys in which a run differs from what was audited, such as `training.batchSize`; empty: the report is about this run. */
export const staleKeys = (audited: AuditedSettings, now: AuditedSettings): readonly string[] =>
  differences(audited, now, '')

function differences(before: unknown, after: unknown, path: string): readonly string[] {
  if (canonicalJson(before) === canonicalJson(after)) return []
  if (!isPlain(before) || !isPlain(after)) return [path]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) =>
    differences(before[key], after[key], path === '' ? key : `${path}.${key}`),
  )
}
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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
