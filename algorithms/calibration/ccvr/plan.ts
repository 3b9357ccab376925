import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { CalibrationInput } from '#algorithms/calibration/calibration.js'
import type { Folded, MethodSetup, RoundPlan } from '#algorithms/methods/method.js'
import type { CcvrHyper } from './hyper.js'

/** The next round of statistics: everyone is asked, and waited for until the deadline. */
export const statisticsPlan = (
  _setup: MethodSetup<CcvrHyper>,
  _input: CalibrationInput,
): RoundPlan => {
  throw new FederationError('internal/bug', 'to come')
}

/** Whether the round that is planned from `input` tells all there is to know: readStatistics reads it. */
export const isLastRound = (
  { hyper }: MethodSetup<CcvrHyper>,
  { progress }: Pick<CalibrationInput, 'progress'>,
): boolean => hyper.statistics !== 'sums-two-rounds' || progress !== null

/** What a round that is not the last leaves for the next: counts and means by class. */
export const statisticsProgress = (_setup: MethodSetup<CcvrHyper>, _folded: Folded): Bundle => {
  throw new FederationError('internal/bug', 'to come')
}

/** Reasons why these options cannot tell what is needed; empty: they can. For `requires`. */
export const statisticsReasons = (
  _setup: Pick<MethodSetup<CcvrHyper>, 'config' | 'hyper'>,
): readonly string[] => []
