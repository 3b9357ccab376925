import type { Hash, Slot } from '#protocol/ids.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import type { Closed } from './compute/compute.js'
import type { Opening } from './fleet/fleet.js'
import { putJson, type RunContext } from './run-context.js'
import { readJson, type PersonalMap } from './store/reachable.js'
import type { BlobStore, Head } from './store/store.js'

/** Personal bundles that wait for their slot's next task. */
export const personalIn = async (blobs: BlobStore, hash: Hash | null): Promise<PersonalMap> =>
  hash === null ? {} : readJson<PersonalMap>(blobs, hash)

/**
 * What waits after a round: who was accepted has had theirs, new ones replace old ones, the rest waits on.
 * Null when nothing waits.
 */
export async function personalAfter(
  ctx: RunContext,
  { personalHash }: Head,
  round: {
    readonly opening: Opening
    readonly accepted: readonly AcceptedUpdate[]
    readonly fresh: Closed['personal']
  },
): Promise<Hash | null> {
  const waiting = new Map<Slot, { readonly hash: Hash; readonly bytes: number }>()
  for (const [slot, blob] of Object.entries(await personalIn(ctx.store.blobs, personalHash)))
    waiting.set(Number(slot), blob)
  for (const { slot } of round.accepted) waiting.delete(slot)
  for (const { slot, blob } of round.fresh) waiting.set(slot, blob)
  return waiting.size === 0 ? null : putJson(ctx, Object.fromEntries(waiting))
}
