import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { Folded, MethodSetup, RoundPlan } from '#algorithms/methods/method.js'
import type { CcvrHyper } from './hyper.js'
import type { ClassStatistics } from './moments.js'

/** What all clients that answered told, merged in float64. */
export interface GatheredStatistics {
  /** Classes that nobody holds are absent. */
  readonly statistics: ClassStatistics
  /** Clients that hold a class, by label; empty where clients told only sums. */
  readonly clientsByClass: ReadonlyMap<number, number>
  /** Share of tr(scatter) that lies between clients, by label; a class is absent where it is not known or undefined. */
  readonly betweenByClass: ReadonlyMap<number, number>
  /** Ascending. */
  readonly answered: readonly Slot[]
}

/**
 * What a closed round of `plan` told, the last one of a calibration (see `isLastRound`). Walks clients in slot order, with one
 * payload in memory at a time. Throws `update/malformed` with the slot of a client whose moments cannot be true.
 */
export const readStatistics = async (
  _setup: MethodSetup<CcvrHyper>,
  _folded: Folded,
  _plan: RoundPlan,
): Promise<GatheredStatistics> => {
  throw new FederationError('internal/bug', 'to come')
}
