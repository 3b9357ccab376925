/** The privacy audit before the first round of a run, in words. */
import { durationText } from '#coordinator/audit-gate/progress.js'
import { BASIS_WORDS } from '#protocol/audit-config.js'
import { fewestRecords } from '#protocol/audit-settings.js'
import { levelText, type AuditLevel } from '#protocol/audit-level.js'
import type { AuditReport } from '#protocol/audit-report.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { unsoundWords } from './audit-text.js'
import { COMMAND } from './command-name.js'
import type { RunEvent } from './progress.js'

type AuditView = HttpAnswer<'GET /api/runs/:id/audit'>

const STATES: Readonly<Record<AuditView['state'], string>> = {
  none: 'none: rounds begin without one',
  'under-way': 'under way',
  passed: 'passed',
  'above-threshold': 'above the threshold: the run does not start',
  unsound: 'not sound: its report proves nothing; the run does not start',
  overridden: 'overridden: the run may start all the same',
}
const REMEDY = `Change the model, the batch size, the local steps or updates; or, as an administrator:  ${COMMAND} runs override RUN --reason …`

/** One fact a line. */
export function auditLines(view: AuditView): readonly string[] {
  const { state, threshold, verdict, because, obstacles, source, override, progress } = view
  if (state === 'none') return [`Audit   ${STATES.none}`]
  return [
    `Audit   ${STATES[state]}`,
    ...(progress === null ? [] : [`Done    ${progressText(progress)}`]),
    ...(verdict === null
      ? []
      : [
          `Verdict ${levelText(verdict)}; the run starts with ${threshold === null ? 'any' : `${levelText(threshold)} at most`}`,
        ]),
    ...(because === null || because === '' ? [] : [`Because ${because}`]),
    ...obstacles.map((obstacle) => `But     ${obstacle}`),
    ...(source === null
      ? []
      : [`Made    ${source === 'audited' ? 'by this coordinator' : 'elsewhere, and attached'}`]),
    ...(view.report === null
      ? []
      : [
          `Records ${recordsText(view.report.report)}`,
          `About   clients with ${fewestRecords(view.report.report)} or more records each`,
        ]),
    ...(override === null
      ? []
      : [`Override by ${override.by} at ${override.at}: ${override.reason}`]),
    ...(state === 'above-threshold' || state === 'unsound' ? [REMEDY] : []),
  ]
}

const recordsText = ({ records }: AuditReport): string =>
  `${records.count} (${BASIS_WORDS[records.basis]}): ${records.description}`

export function progressText({
  done,
  total,
  secondsLeft,
}: NonNullable<AuditView['progress']>): string {
  const left = secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`
  return `${done} of ${total} parts${left}`
}

interface AuditOutcome {
  readonly verdict: AuditLevel
  readonly because: string
  readonly isSound: boolean
  readonly obstacles: readonly string[]
}

/** A line for an event of an audit; null for other events. */
export function auditEventText({ type, data }: RunEvent): string | null {
  if (type === 'audit:progress')
    return `audit: ${progressText(data as unknown as NonNullable<AuditView['progress']>)}`
  if (type !== 'audit:finished') return null
  const { verdict, because, isSound, obstacles } = data as unknown as AuditOutcome
  return isSound
    ? `audit: ${levelText(verdict)}. ${because}`
    : `audit: it proves nothing. ${unsoundWords(obstacles)}`
}
