/** The privacy audit before the first round of a run, in words. */
import { durationText } from '#coordinator/audit-gate/progress.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { COMMAND } from './command-name.js'
import type { RunEvent } from './progress.js'

type AuditView = HttpAnswer<'GET /api/runs/:id/audit'>

const STATES: Readonly<Record<AuditView['state'], string>> = {
  none: 'none: rounds begin without one',
  'under-way': 'under way',
  passed: 'passed',
  'above-threshold': 'above the threshold: the run does not start',
  unsound: 'not sound: its placebo failed, so the report proves nothing; the run does not start',
  overridden: 'overridden: the run may start all the same',
}
const REMEDY = `Change the model, the batch size, the local steps or updates; or, as an administrator:  ${COMMAND} runs override RUN --reason …`

/** One fact a line. */
export function auditLines(view: AuditView): readonly string[] {
  const { state, threshold, verdict, because, source, override, progress } = view
  if (state === 'none') return [`Audit   ${STATES.none}`]
  return [
    `Audit   ${STATES[state]}`,
    ...(progress === null ? [] : [`Done    ${progressText(progress)}`]),
    ...(verdict === null
      ? []
      : [
          `Verdict ${verdictText(verdict)}; the run starts with ${threshold === null ? 'any' : `${verdictText(threshold)} at most`}`,
        ]),
    ...(because === null || because === '' ? [] : [`Because ${because}`]),
    ...(source === null
      ? []
      : [
          `Made    ${source === 'audited' ? 'by this coordinator, on records of nobody' : 'elsewhere, and attached'}`,
        ]),
    ...(override === null
      ? []
      : [`Override by ${override.by} at ${override.at}: ${override.reason}`]),
    ...(state === 'above-threshold' || state === 'unsound' ? [REMEDY] : []),
  ]
}

/** `not-demonstrated` is no level of safety, and must not read like one. */
const verdictText = (verdict: string): string => verdict.replace('-', ' ')

export function progressText({
  done,
  total,
  secondsLeft,
}: NonNullable<AuditView['progress']>): string {
  const left = secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`
  return `${done} of ${total} parts${left}`
}

/** A line for an event of an audit; null for other events. */
export function auditEventText({ type, data }: RunEvent): string | null {
  if (type === 'audit:progress')
    return `audit: ${progressText(data as unknown as NonNullable<AuditView['progress']>)}`
  if (type !== 'audit:finished') return null
  const { verdict, because } = data as { readonly verdict: string; readonly because: string }
  return `audit: ${verdictText(verdict)}. ${because}`
}
