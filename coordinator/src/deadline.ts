import type { Slot } from '#protocol/ids.js'
import type { PlannedRound } from './compute/compute.js'
import type { Opening } from './fleet/fleet.js'
import type { RunContext } from './run-context.js'
import { walkRecords } from './store/reachable.js'
import type { Head } from './store/store.js'

/** An adaptive deadline follows the latest rounds of its kind … */
const ROUNDS = 5
/** … among this many, so that a program of many kinds of rounds does not read its whole history. */
const LOOK_BACK = 50
/** A round goes at the pace at which this share of the wanted updates comes: one straggler does not set it. */
const PACE_SHARE = 0.8
/** Updates may take this many times as long as the slowest of those rounds. */
const SLACK = 2

/**
 * How many seconds a round waits at most. Adaptive: from what the latest rounds of the same kind measured. A round of them
 * that got too few, or none yet, means the full deadline; each attempt that failed doubles it.
 */
export async function deadlineSecondsOf(
  { config, store }: Pick<RunContext, 'config' | 'store'>,
  head: Head,
  plan: PlannedRound,
): Promise<number> {
  const { deadline = 'fixed', deadlineSeconds, graceSeconds } = config.cohort
  if (deadline === 'fixed') return deadlineSeconds
  const paces: number[] = []
  let seen = 0
  for await (const { record } of walkRecords(store.blobs, head.recordHash)) {
    const { part, purpose, paceMs } = record
    if (part === plan.part && purpose === plan.purpose && paceMs !== undefined)
      paces.push(paceMs ?? Infinity)
    seen += 1
    if (paces.length === ROUNDS || seen === LOOK_BACK) break
  }
  if (paces.length === 0) return deadlineSeconds
  const usual = (SLACK * Math.max(...paces)) / 1000
  // A connection that is lost for a moment must not cost the round.
  return Math.min(deadlineSeconds, Math.max(usual, graceSeconds, 1) * 2 ** head.failures)
}

/** When so many of the wanted updates had come, in ms after the opening; null: fewer came. */
export function paceOf(
  { cohort, wanted = cohort.length }: Opening,
  arrived: ReadonlyMap<Slot, number>,
): number | null {
  const times = [...arrived.values()].sort((a, b) => a - b)
  const pace = times[Math.ceil(PACE_SHARE * wanted) - 1]
  return pace === undefined ? null : Math.round(pace)
}
