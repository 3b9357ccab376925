import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Grid } from '#protocol/uplink.js'

/** Integers below this are exact in a float64. */
const EXACT = 2 ** 53
const MOST_BITS = 30
const FEWEST_BITS = 16
/** How large a roster may grow in a run that takes everyone or a fraction of it. */
export const LARGEST_ROSTER = 10_000

export interface GridLimits {
  /** Most members one round may count. */
  readonly maxMembers: number
  /** Largest weight of one member; 1 where the group does not weight. */
  readonly maxExamples: number
  /** Largest absolute value of an element. */
  readonly maxAbs: number
}

/** Largest grid integer of one unweighted element. */
export const largestStep = ({ bits, maxAbs }: Grid): number => Math.ceil(maxAbs * 2 ** bits)

function gridFor(limits: GridLimits, fewestBits: number): Grid {
  const { maxMembers, maxExamples, maxAbs } = limits
  for (let bits = MOST_BITS; bits >= fewestBits; bits--) {
    const grid = { bits, maxAbs }
    if (maxMembers * maxExamples * largestStep(grid) < EXACT) return grid
  }
  throw new FederationError(
    'config/impossible',
    `${maxMembers} members × ${maxExamples} examples × maxAbs ${maxAbs} leave fewer than ${fewestBits} bits after the point; lower aggregation.maxExamples or aggregation.maxAbs`,
  )
}

/**
 * The finest grid (at most 30 bits after the point) on which the weighted sum of every legal round stays an exact integer.
 * Rounding moves an element, and so a mean, by at most 2^-(bits+1). Throws `config/impossible` below 16 bits.
 */
export const meanGridFor = (limits: GridLimits): Grid => gridFor(limits, FEWEST_BITS)

/** The same for quantities whose size is large and whose last bits do not matter (counts, steps): any number of bits ≥ 0. */
export const coarseGridFor = (limits: GridLimits): Grid => gridFor(limits, 0)

/** Most members one round of this run may count: what grids are made for. */
export function largestCohort({ cohort, data }: RunConfig): number {
  if (cohort.take !== 'all' && 'size' in cohort.take)
    return Math.max(cohort.take.size, cohort.minReporters)
  return data?.clients ?? LARGEST_ROSTER
}

/** The grid of the run's weighted means. */
export function meanGridOf(config: RunConfig): Grid {
  const { maxExamples, maxAbs } = config.aggregation
  return meanGridFor({ maxMembers: largestCohort(config), maxExamples, maxAbs })
}

/** True when the elements of a group can still be summed exactly after its total weight has grown to `totalWeight`. */
export const fitsExactly = (grid: Grid, totalWeight: number): boolean =>
  totalWeight * largestStep(grid) < EXACT
