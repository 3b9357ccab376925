import type { FederationError } from '#protocol/errors.js'
import type { Hash, RunId, Slot } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Streams } from '#protocol/random.js'
import type { Clock } from './clock.js'
import type { Gather } from './cohort.js'
import type { Compute } from './compute/compute.js'
import type { Fleet, Opening } from './fleet/fleet.js'
import type { Head, Store } from './store/store.js'
import { sweepVault } from './vault/sweep.js'
import type { Vault } from './vault/vault.js'

/** What the loop works with. Production passes sockets, a durable store and the real clock; a simulation passes its own. */
export interface RunContext {
  readonly runId: RunId
  readonly config: RunConfig
  /** The fence this coordinator took: a head of another epoch belongs to someone else. */
  readonly epoch: number
  readonly store: Store
  /** Where updates and personal bundles lie encrypted. Absent: they lie among the blobs. */
  readonly vault?: Vault
  readonly fleet: Fleet
  readonly compute: Compute
  readonly clock: Clock
  readonly streams: Streams
  /** Leaves the loop; the round stays as it is, to be taken up again. */
  readonly signal: AbortSignal
  /** Who takes part: production samples (`gatherCohort`), a replay takes who took part. */
  readonly gather: Gather
  readonly emit: (type: string, data: JsonObject) => Promise<void>
  /** Told of errors that end nothing. */
  readonly onProblem?: (error: FederationError) => void
  readonly tally: Tally
}

/** What the open round has cost so far. Only for its record: a restart begins it anew, except for the time. */
export interface Tally {
  openedAt: number
  bytesUp: number
  bytesDown: number
  /** Members whose update counts, with the milliseconds after the opening at which it came. */
  arrived: Map<Slot, number>
}
export const newTally = (openedAt: number): Tally => ({
  ...{ openedAt, bytesUp: 0, bytesDown: 0 },
  arrived: new Map(),
})
/** Of a round that was opened or taken up just now. Returns whose updates count already: when they came is forgotten. */
export function beginTally(
  { tally, clock }: RunContext,
  { elapsedMs = 0 }: Opening,
  accepted: readonly AcceptedUpdate[],
): ReadonlySet<Slot> {
  Object.assign(tally, newTally(clock.now() - elapsedMs))
  for (const { slot } of accepted) tally.arrived.set(slot, elapsedMs)
  return new Set(tally.arrived.keys())
}

export const putJson = (ctx: RunContext, value: unknown): Promise<Hash> =>
  ctx.store.blobs.put(Buffer.from(canonicalJson(value)))

/** The updates that count in the head's round so far, in slot order. */
export const acceptedIn = (ctx: RunContext, head: Head): Promise<readonly AcceptedUpdate[]> =>
  ctx.store.accepted(ctx.runId, head.round, head.attempt)

/**
 * False when another coordinator moved the head: then nothing of the step may be announced. The keys of what the head lets
 * go are destroyed at once.
 */
export async function advance(
  { store, vault, runId }: RunContext,
  from: Head,
  change: Partial<Head>,
): Promise<boolean> {
  const to = { ...from, ...change }
  if (!(await store.advance(runId, from, to))) return false
  const isOver = from.openingHash !== null && to.openingHash === null
  if (vault !== undefined && (isOver || from.personalHash !== to.personalHash))
    await sweepVault(vault, store, runId)
  return true
}
