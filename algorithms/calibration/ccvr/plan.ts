import type { Bundle } from '#protocol/bundle.js'
import type { CalibrationInput } from '#algorithms/calibration/calibration.js'
import type { Folded, MethodSetup, RoundPlan } from '#algorithms/methods/method.js'
import { summedGroup } from '#algorithms/methods/update.js'
import type { CcvrHyper } from './hyper.js'
import { meansBundle, momentsOfGroup, withMeans } from './sums.js'
import { momentsGroup, SUMS, sumsGrid, sumsGroup } from './uplink.js'
import type { CcvrSetup, Step } from './uplink.js'

type Options = Pick<MethodSetup<CcvrHyper>, 'config' | 'hyper'>

/** Whether the round that is planned from `input` tells all there is to know: `readStatistics` reads it. */
export const isLastRound = (
  { hyper }: Pick<CcvrSetup, 'hyper'>,
  { progress }: Pick<CalibrationInput, 'progress'>,
): boolean => hyper.statistics !== 'sums-two-rounds' || progress !== null

function stepOf(setup: CcvrSetup, input: CalibrationInput): Step {
  if (setup.hyper.statistics === 'each') return 'moments'
  return isLastRound(setup, input) ? 'sums' : 'means'
}

/**
 * The next round of statistics: everyone is asked with the released model, and waited for until the deadline. The second of
 * two rounds also sends the means that the first told.
 */
export function statisticsPlan(setup: CcvrSetup, input: CalibrationInput): RoundPlan {
  const { released, progress } = input
  const step = stepOf(setup, input)
  return {
    purpose: 'statistics',
    task: { step },
    shared: progress === null ? released : withMeans(released, progress),
    assets: {},
    uplink: [step === 'moments' ? momentsGroup(setup) : sumsGroup(setup, step)],
    audience: 'everyone',
    patience: 'deadline',
  }
}

/** What a round that is not the last leaves for the next: counts and means by class. */
export function statisticsProgress(setup: CcvrSetup, folded: Folded): Bundle {
  const group = summedGroup(folded, SUMS)
  return meansBundle(setup, momentsOfGroup(setup, group, { step: 'means', shared: null }))
}

/** Fewer bits after the point would show in a covariance. */
const FEWEST_BITS = 16

/** Reasons why these options cannot tell what is needed; empty: they can. */
export function statisticsReasons({ config, hyper }: Options): readonly string[] {
  if (hyper.statistics === 'each') return []
  const { bits } = sumsGrid(config)
  return [
    ...(hyper.clipNorm === null
      ? [
          `calibration.statistics ${hyper.statistics} needs a bound for what is summed; set calibration.clipNorm`,
        ]
      : []),
    ...(hyper.covMode === 'low-rank' || hyper.covMode === 'means-only'
      ? [
          `calibration.covMode ${hyper.covMode} needs the moments of each client, which sums do not tell; set calibration.statistics to each, or covMode to full, diag or none`,
        ]
      : []),
    ...(bits < FEWEST_BITS
      ? [
          `calibration.statistics ${hyper.statistics} leaves sums ${bits} bits after the point, and they need ${FEWEST_BITS}; lower aggregation.maxExamples`,
        ]
      : []),
  ]
}
