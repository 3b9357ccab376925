import type { CalibrationInput, CalibrationServer } from '#algorithms/calibration/calibration.js'
import { coverageOf, type Coverage } from '#algorithms/calibration/coverage.js'
import { withHead } from '#algorithms/calibration/head.js'
import { FederationError } from '#protocol/errors.js'
import { withFeaturePower } from '#algorithms/models/feature-power.js'
import { globalClasses } from './covariance.js'
import { readStatistics, type GatheredStatistics } from './gathered.js'
import type { GlobalClass } from './moments.js'
import { assertPossible } from './moments-payload.js'
import { calibratedHead } from './new-head.js'
import { privatised } from './noise.js'
import { isLastRound, statisticsPlan, statisticsProgress } from './plan.js'
import { diagnosticsOf, metricsOf } from './report.js'
import { MOMENTS, type CcvrSetup } from './uplink.js'

/** Moments in, a new head out. Everything after the merge is a function of the moments, the released model and the seed. */
export const ccvrServer = (setup: CcvrSetup): CalibrationServer => ({
  next: (input) => statisticsPlan(setup, input),
  inspect({ payloads }) {
    const moments = payloads[MOMENTS]
    if (moments !== undefined) assertPossible(setup, moments)
  },
  async close(input, plan, folded) {
    const coverage = coverageOf(folded)
    if (!isLastRound(setup, input)) {
      const { length } = coverage.answered
      return {
        progress: statisticsProgress(setup, folded),
        metrics: { 'calibration/clients': length, 'calibration/asked': folded.population },
      }
    }
    return calibrate(setup, input, {
      coverage,
      gathered: await readStatistics(setup, folded, plan),
    })
  },
})

interface Told {
  readonly coverage: Coverage
  readonly gathered: GatheredStatistics
}

async function calibrate(setup: CcvrSetup, input: CalibrationInput, { coverage, gathered }: Told) {
  const { model, hyper, streams } = setup
  const { released, trainingRounds } = input
  const known = await privatised(gathered, { hyper, streams, trainingRounds })
  const classes = globalClasses(known, hyper)
  assertAnyClass(setup, { classes, coverage })
  const made = await calibratedHead(setup, input, { classes, statistics: known.statistics })
  const params = withHead(model, released, made.params)
  const calibrated =
    hyper.transform === 'tukey-input' ? withFeaturePower(params, hyper.tukeyPower) : params
  const report = { coverage, classes, made }
  return {
    calibrated,
    metrics: metricsOf(report),
    diagnostics: await diagnosticsOf(setup, report, calibrated),
  }
}

function assertAnyClass(
  { hyper }: CcvrSetup,
  { classes, coverage }: { readonly classes: readonly GlobalClass[]; readonly coverage: Coverage },
): void {
  if (classes.some(({ status }) => status !== 'missing')) return
  const [few, noise] = [hyper.minCount, hyper.epsilon !== null]
  throw new FederationError(
    'config/impossible',
    `Of ${coverage.answered.length} clients that answered none holds ${few} or more examples of any class${noise ? ' that the noise of epsilon leaves' : ''}, so there is nothing to calibrate with; ${noise ? 'raise calibration.epsilon' : 'lower calibration.minCount'}, or leave the calibration out`,
  )
}
