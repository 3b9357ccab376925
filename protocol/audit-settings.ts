/** What a report is about: the settings of a run that decide how much one update shows. Anything else may change without a new audit. */
import type { AuditedSettings } from './audit-report.js'
import type { RunConfig } from './config-schema.js'
import { sha256, type Hash } from './ids.js'
import { canonicalJson } from './json.js'

export {
  coversRun,
  decisiveRows,
  fewestRecords,
  isAsConfigured,
  MOST_UNROLLED_STEPS,
  stepsOf,
} from './audit-rows.js'

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
