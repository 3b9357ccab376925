import type { Hash, Slot } from '#protocol/ids.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import type { Closed } from './compute/compute.js'
import type { Opening } from './fleet/fleet.js'
import { putJson, type RunContext } from './run-context.js'
import { readJson, type PersonalMap, type PersonalRef } from './store/reachable.js'
import type { BlobStore, Head } from './store/store.js'
import { personalNameOf } from './vault/sealed-rounds.js'

/** Personal bundles that wait for their slot's next task. */
const personalIn = async (blobs: BlobStore, hash: Hash | null): Promise<PersonalMap> =>
  hash === null ? {} : readJson<PersonalMap>(blobs, hash)

/** Those that can be read: a backup, or a master key that was lost, leaves none. */
export async function deliverable(
  { store, vault }: Pick<RunContext, 'store' | 'vault'>,
  { personalHash }: Head,
): Promise<PersonalMap> {
  const readable: Record<Slot, PersonalRef> = {}
  for (const [slot, bundle] of Object.entries(await personalIn(store.blobs, personalHash))) {
    const { compartment } = bundle
    if (compartment === undefined || ((await vault?.compartment(compartment)) ?? null) !== null)
      readable[Number(slot)] = bundle
  }
  return readable
}

/**
 * What waits after a round: who was accepted has had theirs, new ones replace old ones, the rest waits on. Null when nothing
 * waits. Keys of new ones are durable then.
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
  const waiting = new Map<Slot, PersonalRef>()
  for (const [slot, bundle] of Object.entries(await personalIn(ctx.store.blobs, personalHash)))
    waiting.set(Number(slot), bundle)
  for (const { slot } of round.accepted) waiting.delete(slot)
  const compartment = personalNameOf(round.opening)
  if (round.fresh.length > 0) await ctx.vault?.keep(compartment)
  for (const { slot, blob } of round.fresh)
    waiting.set(slot, ctx.vault === undefined ? blob : { ...blob, compartment })
  return waiting.size === 0 ? null : putJson(ctx, Object.fromEntries(waiting))
}
