/** What became of the attempts at rounds, read off a run's events. A page goes on by the same function with which its coordinator began. */
import type { JsonObject } from './json.js'
import { countsOf, type RoundRecord } from './record.js'
import type { Attempt, MemberProgress } from './run-views.js'
import type { RunEvent } from './ui-messages.js'

/**
 * The attempts after one more event. What is not about an attempt leaves them as they are, and so does an event of an attempt
 * that is not among them.
 */
export function advance(attempts: readonly Attempt[], event: RunEvent): readonly Attempt[] {
  const { type, data, at } = event
  if (type === 'round:opened') return afterOpening(attempts, opened(data, at))
  if (ENDS_RUN.has(type)) return withoutOpen(attempts, at)
  const about = type === 'round:closed' ? (data['record'] as JsonObject) : data
  const change = CHANGES[type]
  if (change === undefined) return attempts
  // What happens is about the latest attempts.
  const place = attempts.findLastIndex(
    (one) => one.round === about['round'] && one.attempt === about['attempt'],
  )
  const attempt = attempts[place]
  return attempt === undefined ? attempts : attempts.with(place, change(attempt, about, at))
}

const ENDS_RUN: ReadonlySet<string> = new Set(['run:stopped', 'run:failed'])

/** A run has one open attempt at a time. How the one before ended a coordinator that was killed could not say. */
function afterOpening(attempts: readonly Attempt[], next: Attempt): readonly Attempt[] {
  const isThere = attempts.some(
    ({ round, attempt }) => round === next.round && attempt === next.attempt,
  )
  return isThere ? attempts : [...withoutOpen(attempts, next.openedAt), next]
}
function withoutOpen(attempts: readonly Attempt[], at: string): readonly Attempt[] {
  if (attempts.every(({ outcome }) => outcome !== 'open')) return attempts
  return attempts.map((one) =>
    one.outcome === 'open' ? { ...one, outcome: 'abandoned', endedAt: at } : one,
  )
}

type Change = (attempt: Attempt, about: JsonObject, at: string) => Attempt

const CHANGES: Readonly<Partial<Record<string, Change>>> = {
  'update:accepted': (attempt, about, at) =>
    told(attempt, { slot: slotIn(about), state: 'accepted', at, code: null }),
  'update:refused': (attempt, about, at) =>
    told(attempt, { slot: slotIn(about), state: 'refused', at, code: about['code'] as string }),
  'task:failed': (attempt, about, at) =>
    told(attempt, { slot: slotIn(about), state: 'failed', at, code: about['code'] as string }),
  'round:abandoned': (attempt, _about, at) => ({ ...attempt, outcome: 'abandoned', endedAt: at }),
  'round:closed': (attempt, about, at) => ({
    ...attempt,
    ...{ outcome: 'closed', endedAt: at },
    counts: { ...attempt.counts, accepted: countsOf(about as unknown as RoundRecord).accepted },
  }),
}

function opened(data: JsonObject, at: string): Attempt {
  const { cohort } = data
  const slots = Array.isArray(cohort) ? (cohort as readonly number[]) : []
  return {
    round: Number(data['round']),
    attempt: Number(data['attempt']),
    purpose: data['purpose'] as Attempt['purpose'],
    part: data['part'] as string,
    ...{ openedAt: at, endedAt: null, outcome: 'open' },
    deadlineSeconds: (data['deadlineSeconds'] as number | null | undefined) ?? null,
    counts: { asked: countIn(cohort), accepted: 0, refused: 0, failed: 0 },
    members: slots.map((slot) => ({ slot, state: 'asked', at: null, code: null })),
  }
}

/** Of whom it is not told, where privacy settings hide it, only counts. */
function told(
  attempt: Attempt,
  news: Omit<MemberProgress, 'slot'> & { slot: number | null },
): Attempt {
  const { counts, members } = attempt
  const { slot, ...now } = news
  const state = now.state as 'accepted' | 'refused' | 'failed'
  if (slot === null) return { ...attempt, counts: { ...counts, [state]: counts[state] + 1 } }
  const place = members.findIndex((one) => one.slot === slot)
  const before = members[place]
  // What counts goes on counting, whatever the member sends after it.
  if (before === undefined || before.state === 'accepted') return attempt
  const after = { ...counts, [state]: counts[state] + 1 }
  // `asked` counts everyone who was.
  if (before.state !== 'asked') after[before.state] -= 1
  return { ...attempt, members: members.with(place, { slot, ...now }), counts: after }
}

const slotIn = (about: JsonObject): number | null => {
  const { slot } = about
  return typeof slot === 'number' ? slot : null
}
/** Of a list, or a number in place of one that is hidden. */
const countIn = (value: unknown): number => (Array.isArray(value) ? value.length : Number(value))
