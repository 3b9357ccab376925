/** What events make of what a page shows of a run. Pure, and the same for who sees all of a run and who sees counts alone. */
import type { JsonValue } from '#protocol/json.js'
import { countsOf, type Metrics, type RoundRecord } from '#protocol/record.js'
import type { RunLine } from '#protocol/run-views.js'
import type { RunEvent } from '#protocol/ui-messages.js'

/** The line of the run after one more event; what only the coordinator knows, as a curve, is asked for again. */
export function lineAfter(line: RunLine, { type, at, data }: RunEvent): RunLine {
  const reason = textOf(data['reason'])
  if (type === 'round:closed') {
    const { round, metrics } = data['record'] as unknown as RoundRecord
    return {
      ...line,
      round: Math.min(round, line.rounds),
      latestAt: at,
      accuracy: accuracyIn(metrics) ?? line.accuracy,
    }
  }
  if (type === 'run:waiting') return { ...line, state: 'waiting', reason }
  if (type === 'round:opened' || type === 'run:resumed')
    return { ...line, state: 'running', reason: null }
  if (type === 'run:finished') return { ...line, state: 'finished', reason: null }
  if (type === 'run:stopped') return { ...line, state: 'stopped', reason }
  if (type === 'run:failed') return { ...line, state: 'failed', reason }
  return line
}

/** As the list of runs has it: of the model, else of the members' own. */
const accuracyIn = (metrics: Metrics): number | null =>
  metrics['accuracy'] ?? metrics['federated/accuracy'] ?? metrics['clients/accuracy'] ?? null

const textOf = (value: JsonValue | undefined): string | null =>
  typeof value === 'string' ? value : null

/** Of which the view is the same as before. */
const OF_MEMBERS_ALONE: ReadonlySet<string> = new Set([
  'update:accepted',
  'update:refused',
  'task:failed',
  'round:waiting-for',
  'round:abandoned',
  'audit:progress',
])
/** Whether something is there to be asked for again after the event: another round, another member, another state. */
export const makesAnotherView = ({ type }: RunEvent): boolean => !OF_MEMBERS_ALONE.has(type)

/** The event without what a page of a long run could not hold: of a closed round, numbers in place of members. */
export function small(event: RunEvent): RunEvent {
  if (event.type !== 'round:closed') return event
  const whole = event.data['record'] as unknown as RoundRecord
  const { diagnostics: _, ...record } = whole
  const kept = { ...record, cohort: [], accepted: [], counts: countsOf(whole) }
  return { ...event, data: { record: kept } }
}
