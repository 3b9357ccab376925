/** What a round has to do with the vault. Without a vault, as in simulations, nothing: then updates lie among the blobs. */
import { fatesWhenAbandoned } from '#coordinator/fates.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { advance, type RunContext } from '#coordinator/run-context.js'
import { openingOf } from '#coordinator/run-record.js'
import type { Head } from '#coordinator/store/store.js'
import type { Compartment } from './sealed-blobs.js'

type Place = Pick<Opening, 'runId' | 'round' | 'attempt'>

const nameOf = ({ runId, round, attempt }: Place): string => `${runId}-${round}-${attempt}`
export const personalNameOf = (place: Place): string => `${nameOf(place)}-personal`

/** Makes a place for the updates of a round that is about to open; its opening names it. */
export async function sealRound(
  { vault, config, runId }: RunContext,
  { round, attempt }: Head,
): Promise<Pick<Opening, 'compartment'>> {
  if (vault === undefined) return {}
  const name = nameOf({ runId, round, attempt })
  await vault.create(name, config.durability === 'ephemeral' ? 'memory' : 'disk')
  return { compartment: name }
}

/** Where the round's updates lie; null: in the blob store, or its key is gone. */
export async function updatesOf(
  { vault }: Pick<RunContext, 'vault'>,
  { compartment }: Opening,
): Promise<Compartment | null> {
  return compartment === undefined ? null : ((await vault?.compartment(compartment)) ?? null)
}

/**
 * Begins another attempt of an open round whose updates nobody can read any more, as after a restart when the run is
 * ephemeral. That is no failure of its members. False: there is nothing of the kind.
 */
export async function hasBegunAnew(ctx: RunContext, head: Head): Promise<boolean> {
  if (head.openingHash === null) return false
  const opening = await openingOf(ctx.store, head)
  const isReadable = opening.compartment === undefined || (await updatesOf(ctx, opening)) !== null
  if (isReadable) return false
  const { round, attempt } = head
  const change = { state: 'PLANNED', attempt: attempt + 1, openingHash: null } as const
  if (!(await advance(ctx, head, change))) return true
  const reason = `Round ${round} begins anew: the key of the updates of attempt ${attempt} is gone`
  await ctx.emit('round:abandoned', { round, attempt, reason })
  await ctx.fleet.settle(opening, fatesWhenAbandoned(opening))
  return true
}

/** A new place for the bundles that a close makes for single members. */
export async function personalCompartment(
  { vault }: RunContext,
  opening: Opening,
): Promise<Compartment | null> {
  return vault === undefined ? null : vault.create(personalNameOf(opening), 'memory')
}
