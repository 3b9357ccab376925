import type { RunId, Slot } from '#protocol/ids.js'
import type { AcceptedUpdate, Fate } from '#protocol/record.js'
import type { Opening } from './fleet/fleet.js'
import { walkRecords } from './store/reachable.js'
import type { Store } from './store/store.js'

export function fatesWhenClosed(
  opening: Opening,
  accepted: readonly AcceptedUpdate[],
): ReadonlyMap<Slot, Fate> {
  const counted = new Set(accepted.map(({ slot }) => slot))
  return new Map(
    opening.cohort.map(({ slot }) => [slot, counted.has(slot) ? 'accepted' : 'refused']),
  )
}

export const fatesWhenAbandoned = ({ cohort }: Opening): ReadonlyMap<Slot, Fate> =>
  new Map(cohort.map(({ slot }) => [slot, 'abandoned']))

/**
 * What became of a member's work in a round, from what is stored: the same answer before and after a restart. 'open' while
 * the round is. An attempt that no record names was given up.
 */
export async function fateOf(
  store: Store,
  runId: RunId,
  at: { readonly round: number; readonly attempt: number; readonly slot: Slot },
): Promise<Fate | 'open'> {
  const head = await store.head(runId)
  if (head === null) return 'abandoned'
  const isCurrent = head.round === at.round && head.attempt === at.attempt
  if (isCurrent && (head.state === 'COLLECTING' || head.state === 'FROZEN')) return 'open'
  for await (const { record } of walkRecords(store.blobs, head.recordHash)) {
    if (record.round > at.round) continue
    if (record.round < at.round || record.attempt !== at.attempt) return 'abandoned'
    return record.accepted.some(({ slot }) => slot === at.slot) ? 'accepted' : 'refused'
  }
  return 'abandoned'
}
