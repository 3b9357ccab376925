import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { closedEvent, roundsOf } from './run-record.js'
import type { EventRow, Head, Store } from './store/store.js'

const EVENTS_A_PAGE = 1000
/** What begins and ends a run, by the state in which it leaves the head. */
const TURNS: ReadonlyMap<string, Head['state'] | null> = new Map([
  ['run:started', null],
  ['run:resumed', null],
  ['run:finished', 'DONE'],
  ['run:stopped', 'STOPPED'],
  ['run:failed', 'FAILED'],
])

/**
 * What an event should have told of a run and none did, because the process ended after the swap and before the event: rounds
 * that are closed, and how the run ended. In the order in which it happened.
 */
export async function untoldEvents(
  store: Store,
  runId: RunId,
  head: Head,
): Promise<readonly Pick<EventRow, 'type' | 'data'>[]> {
  const closed = new Set<number>()
  let turn: Head['state'] | null = null
  for await (const { type, data } of allEvents(store, runId)) {
    if (type === 'round:closed') closed.add((data['record'] as JsonObject)['round'] as number)
    turn = TURNS.get(type) ?? (TURNS.has(type) ? null : turn)
  }
  const rounds = (await roundsOf(store, head)).filter(({ round }) => !closed.has(round))
  const untold = rounds.map((record) => ({ type: 'round:closed', data: closedEvent(record) }))
  const ending = [...TURNS].find(([, state]) => state === head.state)
  if (ending === undefined || turn === head.state) return untold
  const data: JsonObject = head.reason === null ? {} : { reason: head.reason }
  return [...untold, { type: ending[0], data }]
}

async function* allEvents(store: Store, runId: RunId): AsyncIterable<EventRow> {
  for (let after = 0; ; after += EVENTS_A_PAGE) {
    const page = await store.events(runId, after, EVENTS_A_PAGE)
    yield* page
    if (page.length < EVENTS_A_PAGE) return
  }
}
