import type { Hash, RunId } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Streams } from '#protocol/random.js'
import type { Clock } from './clock.js'
import type { Gather } from './cohort.js'
import type { Compute } from './compute/compute.js'
import type { Fleet } from './fleet/fleet.js'
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
  /** What the open round has cost so far. Only for its record: a restart begins it anew. */
  readonly tally: { openedAt: number; bytesUp: number; bytesDown: number }
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
