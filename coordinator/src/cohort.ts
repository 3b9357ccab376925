import { randomBytes } from 'node:crypto'
import { trains } from '#protocol/data-card.js'
import type { Slot } from '#protocol/ids.js'
import type { CohortConfig } from '#protocol/run-config.js'
import { samplerOf } from '#algorithms/from-config.js'
import type { PlannedRound } from './compute/compute.js'
import type { CohortMember } from './fleet/fleet.js'
import { deliverable } from './personal.js'
import type { RunContext } from './run-context.js'
import type { Head } from './store/store.js'

export interface Gathered {
  readonly cohort: readonly CohortMember[]
  /** Size of the roster now. */
  readonly population: number
  /** As in an opening: only where more are asked than are wanted. */
  readonly wanted?: number
}

/** Chooses a round's cohort. Null only when the signal aborted. */
export type Gather = (ctx: RunContext, head: Head, plan: PlannedRound) => Promise<Gathered | null>

/** As `gatherCohort` without asking more than are wanted: where nobody is late. */
export const gatherWanted: Gather = (ctx, head, plan) => {
  const { overSelect: _, ...cohort } = ctx.config.cohort
  return gatherCohort({ ...ctx, config: { ...ctx.config, cohort } }, head, plan)
}

/**
 * Samples the round's cohort, once enough members are there. A patient plan for everyone asks also those that are away: they
 * get the task when they are back. Who has nothing to train on is asked only to evaluate.
 */
export async function gatherCohort(
  ctx: RunContext,
  head: Head,
  plan: PlannedRound,
): Promise<Gathered | null> {
  const available = await enoughAvailable(ctx, plan)
  if (available === null) return null
  const cohort = await membersOf(ctx, head, await choose(ctx, head, { plan, available }))
  const wanted = sizeOf(ctx.config.cohort, available.length)
  const isMore = plan.audience === 'cohort' && cohort.length > wanted
  return {
    cohort,
    ...(isMore ? { wanted } : {}),
    population: (await ctx.store.roster(ctx.runId)).length,
  }
}

async function choose(
  ctx: RunContext,
  head: Head,
  { plan, available }: { readonly plan: PlannedRound; readonly available: readonly Slot[] },
): Promise<readonly Slot[]> {
  const { fleet, runId, config } = ctx
  if (plan.audience === 'cohort')
    return sample(ctx, head, { available, size: askedOf(config.cohort, available.length) })
  if (plan.patience !== 'deadline') return available
  return able(ctx, plan, await fleet.members(runId, config))
}

/** Those of `slots` that the round can ask: members without training examples can evaluate, and nothing else. */
async function able(
  { store, runId }: RunContext,
  { purpose }: PlannedRound,
  slots: readonly Slot[],
): Promise<readonly Slot[]> {
  if (purpose === 'evaluate') return slots
  const roster = await store.roster(runId)
  const idle = new Set(roster.filter(({ card }) => !trains(card)).map(({ slot }) => slot))
  return slots.filter((slot) => !idle.has(slot))
}

/** Each with a new lease, and the personal bundle that waits for it. */
export async function membersOf(
  ctx: RunContext,
  head: Head,
  slots: readonly Slot[],
): Promise<readonly CohortMember[]> {
  const personal = await deliverable(ctx, head)
  return slots.map((slot) => ({
    slot,
    lease: randomBytes(16).toString('hex'),
    personal: personal[slot] ?? null,
  }))
}

/** Waits, without spinning, until as many members are available as must report, and at least one. */
async function enoughAvailable(
  ctx: RunContext,
  plan: PlannedRound,
): Promise<readonly Slot[] | null> {
  const needed = Math.max(1, ctx.config.cohort.minReporters)
  let told = ''
  while (!ctx.signal.aborted) {
    // Listening before looking: what changes in between is not missed.
    const waiting = new AbortController()
    const changed = ctx.fleet.changed(AbortSignal.any([ctx.signal, waiting.signal]))
    const there = await ctx.fleet.available(ctx.runId, ctx.config)
    const available = await able(ctx, plan, there)
    if (available.length >= needed) {
      waiting.abort()
      await changed
      return available
    }
    const count = { available: available.length, needed, idle: there.length - available.length }
    const reason = waitingReason(count, await ctx.fleet.refusals(ctx.runId, ctx.config))
    if (reason !== told) {
      told = reason
      await ctx.emit('run:waiting', { reason, available: count.available, needed })
    }
    await changed
  }
  return null
}

function waitingReason(
  {
    available,
    needed,
    idle,
  }: { readonly available: number; readonly needed: number; readonly idle: number },
  refusals: readonly string[],
): string {
  const besides = idle === 0 ? '' : `; ${idle} more have nothing to train on`
  const first = `${available} of at least ${needed} members are available${besides}`
  return [first, ...refusals].join('. ')
}

/** How many to ask: more than are wanted where some are expected to be late. */
export const askedOf = (cohort: CohortConfig, available: number): number =>
  Math.min(available, Math.ceil(sizeOf(cohort, available) * (cohort.overSelect ?? 1)))

/** How many are wanted: as configured, at least as many as must report, at most as many as there are. */
export function sizeOf({ take, minReporters }: CohortConfig, available: number): number {
  if (take === 'all') return available
  const wanted = 'size' in take ? take.size : Math.round(take.fraction * available)
  return Math.min(available, Math.max(wanted, minReporters, 1))
}

/** The attempt enters the choice, so that a round given up is tried with others. */
function sample(
  ctx: RunContext,
  { round, attempt }: Head,
  { available, size }: { readonly available: readonly Slot[]; readonly size: number },
): readonly Slot[] {
  if (size === available.length) return available
  return samplerOf(ctx.config).sample(available, size, ctx.streams('cohort', round, attempt))
}
