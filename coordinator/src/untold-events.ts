import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { finishedEvent, type GateRecord } from './audit-gate/gate-record.js'
import { closedEvent, openedEvent, openingOf, roundsOf } from './run-record.js'
import { readJson } from './store/reachable.js'
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
 * that are closed, the attempt that is open, and how the run ended. In the order in which it happened.
 */
export async function untoldEvents(
  store: Store,
  runId: RunId,
  head: Head,
): Promise<readonly Pick<EventRow, 'type' | 'data'>[]> {
  const closed = new Set<number>()
  let isOpeningTold = head.openingHash === null
  let isAuditTold = false
  let turn: Head['state'] | null = null
  for await (const { type, data } of allEvents(store, runId)) {
    if (type === 'round:closed') closed.add((data['record'] as JsonObject)['round'] as number)
    if (type === 'round:opened')
      isOpeningTold ||= data['round'] === head.round && data['attempt'] === head.attempt
    if (type === 'audit:finished') isAuditTold = true
    turn = TURNS.get(type) ?? (TURNS.has(type) ? null : turn)
  }
  const rounds = (await roundsOf(store, head)).filter(({ round }) => !closed.has(round))
  const untold: Pick<EventRow, 'type' | 'data'>[] = [
    ...(isAuditTold ? [] : await auditedEvents(store, head)),
    ...rounds.map((record) => ({ type: 'round:closed', data: closedEvent(record) })),
    ...(isOpeningTold
      ? []
      : [{ type: 'round:opened', data: openedEvent(await openingOf(store, head)) }]),
  ]
  const ending = [...TURNS].find(([, state]) => state === head.state)
  if (ending === undefined || turn === head.state) return untold
  const data: JsonObject = head.reason === null ? {} : { reason: head.reason }
  return [...untold, { type: ending[0], data }]
}

async function auditedEvents(
  store: Store,
  { gateHash }: Head,
): Promise<readonly Pick<EventRow, 'type' | 'data'>[]> {
  if (gateHash === undefined) return []
  const { decision } = await readJson<GateRecord>(store.blobs, gateHash)
  return decision?.source === 'audited' ? [finishedEvent(decision)] : []
}

async function* allEvents(store: Store, runId: RunId): AsyncIterable<EventRow> {
  for (let after = 0; ; after += EVENTS_A_PAGE) {
    const page = await store.events(runId, after, EVENTS_A_PAGE)
    yield* page
    if (page.length < EVENTS_A_PAGE) return
  }
}
