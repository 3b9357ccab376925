import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'

/** Sums of one group, and how much weight and how many members they hold. */
export interface GroupTotals {
  readonly tensors: Readonly<Record<string, Float64Array>>
  readonly totalWeight: number
  readonly count: number
}

/** Folds one group of one round. Owns its state; `finish` may be called once. */
export interface GroupFold {
  /** `tensors` in declared order, valid (see `validateUpdate`). `weight` ≥ 1 as the group counts it. */
  add(tensors: readonly NamedTensor[], weight: number): void
  /** Sums that another fold of the same group left with `partial`. */
  merge(totals: GroupTotals): void
  /** What `merge` of another fold takes: exact, so grouping does not change the result. */
  partial(): GroupTotals
  /** The combined values, by tensor. Throws `round/too-few-reporters` when nothing was added. */
  finish(): GroupTotals
}

/** Combines the members' values of a `mean` group. The aggregation rule of a run. */
export interface Aggregator {
  readonly name: string
  /** False: memory does not grow with the cohort. True: it keeps every update until `finish`. */
  readonly buffersUpdates: boolean
  start(group: UplinkGroup): GroupFold
}

/** One member's update as the fold takes it. */
export interface MemberUpdate {
  readonly slot: number
  /** Number of examples: an integer in [1, maxExamples]. */
  readonly weight: number
  readonly update: Bundle
  /**
   * Reads the update again when a gather group is walked. Without it the fold keeps the gathered tensors in memory,
   * which a partial needs.
   */
  readonly reload?: () => Promise<Bundle>
}
