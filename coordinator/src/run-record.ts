import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate, RoundRecord, RunRecord, RunState } from '#protocol/record.js'
import { VERSION } from '#protocol/version.js'
import type { Closed, Started } from './compute/compute.js'
import { paceOf } from './deadline.js'
import type { Opening } from './fleet/fleet.js'
import type { RunContext } from './run-context.js'
import { readJson, walkRecords } from './store/reachable.js'
import type { Head, Store } from './store/store.js'

export async function openingOf(store: Store, head: Head): Promise<Opening> {
  if (head.openingHash === null)
    throw new FederationError('store/corrupt', `The open round ${head.round} has no opening`)
  return readJson<Opening>(store.blobs, head.openingHash)
}

/** The record of the round that `head` has frozen. */
export function recordOf(
  { runId, tally, clock, config }: RunContext,
  { round, attempt, recordHash }: Head,
  {
    opening,
    closed,
    accepted,
  }: {
    readonly opening: Opening
    readonly closed: Closed
    readonly accepted: readonly AcceptedUpdate[]
  },
): RoundRecord {
  // A round that was taken up when it was frozen already was measured by another process.
  const isPaced = config.cohort.deadline === 'adaptive' && tally.arrived.size >= accepted.length
  return {
    runId,
    round,
    attempt,
    purpose: opening.plan.purpose,
    part: opening.plan.part,
    cohort: opening.cohort.map(({ slot }) => slot),
    accepted: accepted.map(({ blob: _blob, ...update }) => update),
    population: opening.population,
    metrics: closed.metrics,
    ...(closed.diagnostics === undefined ? {} : { diagnostics: closed.diagnostics }),
    ...(closed.confusion === undefined ? {} : { confusion: closed.confusion }),
    modelHash: closed.modelHash,
    stateHash: closed.stateHash,
    previous: recordHash,
    bytesUp: tally.bytesUp,
    bytesDown: tally.bytesDown,
    durationMs: Math.round(clock.now() - tally.openedAt),
    ...(isPaced ? { paceMs: paceOf(opening, tally.arrived) } : {}),
    closedAt: clock.timestamp(),
  }
}

/** Round 0: the initial evaluation. */
export function initialRecord(
  runId: RunId,
  started: Started,
  measured: { readonly at: string; readonly durationMs: number },
): RoundRecord {
  return {
    runId,
    round: 0,
    attempt: 1,
    purpose: 'evaluate',
    part: 'method',
    cohort: [],
    accepted: [],
    population: 0,
    metrics: started.metrics,
    modelHash: started.modelHash,
    stateHash: started.stateHash,
    previous: null,
    bytesUp: 0,
    bytesDown: 0,
    durationMs: Math.round(measured.durationMs),
    closedAt: measured.at,
  }
}

/** Data of the event `round:closed`. A record is JSON, though an interface cannot say so. */
export const closedEvent = (record: RoundRecord): JsonObject => ({
  record: record as unknown as JsonObject,
})

/** Data of the event `round:opened`. */
export const openedEvent = ({
  round,
  attempt,
  plan,
  cohort,
  deadlineSeconds,
}: Opening): JsonObject => ({
  ...{ round, attempt, purpose: plan.purpose, part: plan.part, deadlineSeconds },
  cohort: cohort.map(({ slot }) => slot),
})

/** Closed rounds, first to last. */
export async function roundsOf(store: Store, head: Head): Promise<readonly RoundRecord[]> {
  const records: RoundRecord[] = []
  for await (const { record } of walkRecords(store.blobs, head.recordHash)) records.push(record)
  return records.reverse()
}

const STATES: Readonly<Record<Head['state'], RunState>> = {
  PLANNED: 'running',
  COLLECTING: 'running',
  FROZEN: 'running',
  DONE: 'finished',
  STOPPED: 'stopped',
  FAILED: 'failed',
}

/** How a run stands. `waitingFor`: why its loop waits, null if it does not. */
export function standingOf(
  { state, reason }: Pick<Head, 'state' | 'reason'>,
  waitingFor: string | null,
): Pick<RunRecord, 'state' | 'reason'> {
  const isWaiting = waitingFor !== null && STATES[state] === 'running'
  return isWaiting ? { state: 'waiting', reason: waitingFor } : { state: STATES[state], reason }
}

/** Everything a run left so far. `waitingFor`: why its loop waits, null if it does not. Throws `run/not-found`. */
export async function runRecordOf(
  store: Store,
  runId: RunId,
  waitingFor: string | null,
): Promise<RunRecord> {
  const [run, head] = [await store.run(runId), await store.head(runId)]
  if (run === null || head === null)
    throw new FederationError('run/not-found', `There is no run ${runId}`)
  return {
    format: 1,
    kind: run.kind,
    runId,
    name: run.name,
    createdAt: run.createdAt,
    ...standingOf(head, waitingFor),
    config: run.config,
    configHash: run.configHash,
    version: VERSION,
    engine: run.engine,
    roster: await store.roster(runId),
    rounds: await roundsOf(store, head),
    modelHash: head.modelHash,
  }
}
