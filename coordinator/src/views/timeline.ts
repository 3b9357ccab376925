import { advance } from '#protocol/attempts.js'
import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Attempt } from '#protocol/run-views.js'
import type { EventRow, Store } from '#coordinator/store/store.js'
import type { Eyes } from './privacy.js'

type Events = Pick<Store, 'events' | 'lastSeq'>

export interface TimelineQuery {
  /** Attempts at rounds before this one; null: all. */
  readonly before: number | null
  /** The latest so many of those rounds. */
  readonly rounds: number
}
export interface Timeline {
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  /** The latest event when this was read. */
  readonly lastSeq: number
  /** Whether there are attempts at earlier rounds. */
  readonly hasEarlier: boolean
}

const PAGE = 500
/** Members of all attempts together, beyond which no further round is told of: some MB. */
const MOST_MEMBERS = 20_000

/** What became of the attempts at the latest rounds, read off the run's events from their end: a long run costs no more. */
export async function timelineOf(
  store: Events,
  runId: RunId,
  { before, rounds, eyes }: TimelineQuery & { readonly eyes: Eyes },
): Promise<Timeline> {
  const limit = before ?? Infinity
  const lastSeq = await store.lastSeq(runId)
  // An update may come late, while the next round is open already.
  const end =
    before === null ? lastSeq : await lastBefore(store, runId, { limit: limit + 1, lastSeq })
  const events: EventRow[] = []
  let from = end
  let wanted = wantedIn(events, { limit, rounds })
  while (from > 0 && !wanted.isComplete) {
    const size = Math.min(PAGE, from)
    from -= size
    events.unshift(...(await store.events(runId, from, size)))
    wanted = wantedIn(events, { limit, rounds })
  }
  const told = events.filter(({ seq }) => seq <= end).map((event) => eyes.event(event))
  const attempts = told.reduce(advance, [] as readonly Attempt[])
  return {
    attempts: attempts.filter(({ round }) => wanted.rounds.has(round)),
    lastSeq,
    hasEarlier: wanted.isComplete,
  }
}

/** Which rounds are told of, as far as events show; complete when an earlier one shows, which is not told of. */
function wantedIn(
  events: readonly EventRow[],
  { limit, rounds }: { readonly limit: number; readonly rounds: number },
): { readonly rounds: ReadonlySet<number>; readonly isComplete: boolean } {
  const wanted = new Set<number>()
  let members = 0
  for (const { data } of events.filter(({ type }) => type === 'round:opened').reverse()) {
    const round = Number(data['round'])
    if (round >= limit) continue
    if (!wanted.has(round) && (wanted.size === rounds || members > MOST_MEMBERS))
      return { rounds: wanted, isComplete: true }
    wanted.add(round)
    const { cohort } = data
    members += Array.isArray(cohort) ? cohort.length : 0
  }
  return { rounds: wanted, isComplete: false }
}

/** The last event before one of round `limit` or a later one: rounds come one after another, so it is searched by halves. */
async function lastBefore(
  store: Events,
  runId: RunId,
  { limit, lastSeq }: { readonly limit: number; readonly lastSeq: number },
): Promise<number> {
  let [low, high] = [1, lastSeq + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((await roundFrom(store, runId, middle)) >= limit) high = middle
    else low = middle + 1
  }
  return low - 1
}

const FEW = 20

/** Which round the first event from number `seq` on is about that is about any; Infinity: there is none. */
async function roundFrom(store: Events, runId: RunId, seq: number): Promise<number> {
  for (let after = seq - 1; ; after += FEW) {
    const events = await store.events(runId, after, FEW)
    for (const { data } of events) {
      const { round } = { ...data, ...(data['record'] as JsonObject | undefined) }
      if (typeof round === 'number') return round
    }
    if (events.length < FEW) return Infinity
  }
}
