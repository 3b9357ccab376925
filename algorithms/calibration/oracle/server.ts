import { FederationError } from '#protocol/errors.js'
import type { CalibratedClass, Diagnostics } from '#protocol/diagnostics.js'
import { countLabels } from '#data/dataset.js'
import type { CalibrationServer } from '#algorithms/calibration/calibration.js'
import { coverageMetrics, coverageOf, type Coverage } from '#algorithms/calibration/coverage.js'
import type { HeadOptions } from '#algorithms/calibration/head-options.js'
import { headScore, trainedHead, withHead, type HeadScore } from '#algorithms/calibration/head.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import { extractorOf, headOf } from '#algorithms/models/extractor.js'
import { paramsOf } from '#algorithms/models/params.js'
import { allFeatures, FEATURES, featuresGroup, rowsOf } from './features.js'

export const oracleServer = (setup: MethodSetup<HeadOptions>): CalibrationServer => ({
  next: ({ released }) => ({
    purpose: 'statistics',
    task: {},
    shared: released,
    assets: {},
    uplink: [featuresGroup(setup)],
    audience: 'everyone',
    patience: 'deadline',
  }),
  inspect({ payloads }) {
    const [own, { classes }] = [payloads[FEATURES], setup.config.task]
    const { width } = extractorOf(setup.model)
    if (own !== undefined) rowsOf(own, { width, classes: classes.length })
  },
  async close({ released, trainingRounds }, _plan, folded) {
    const { config, model, hyper, streams } = setup
    const coverage = coverageOf(folded)
    const { examples: features, clients } = await allFeatures(setup, folded)
    const { classes } = config.task
    const counts = countLabels(features.source.labels, classes.length)
    const missing = [...counts.keys()].filter((label) => counts[label] === 0)
    if (missing.length === classes.length) {
      throw new FederationError(
        'config/impossible',
        `Of ${coverage.answered.length} clients that answered none holds an example, so there is nothing to calibrate with; leave the calibration out`,
      )
    }
    const request = { model, released, features, missing, options: hyper, streams, trainingRounds }
    const before = await headScore(model, paramsOf(headOf(model).layout, released), request)
    const params = await trainedHead(request)
    const after = await headScore(model, params, request)
    return {
      calibrated: withHead(model, released, params),
      metrics: {
        ...coverageMetrics(coverage),
        'calibration/examples': features.source.count,
        'calibration/missingClasses': missing.length,
        'calibration/realLoss/before': before.loss,
        'calibration/realLoss/after': after.loss,
        'calibration/realAccuracy/before': before.accuracy,
        'calibration/realAccuracy/after': after.accuracy,
      },
      diagnostics: diagnosticsOf(coverage, { names: classes, counts, clients, before, after }),
    }
  },
})

interface Facts {
  readonly names: readonly string[]
  readonly counts: readonly number[]
  readonly clients: readonly number[]
  readonly before: HeadScore
  readonly after: HeadScore
}

/** As CCVR's, of features that are not virtual: their scores stand where those of virtual ones do. */
function diagnosticsOf(
  { answered, missing }: Coverage,
  { names, counts, clients, before, after }: Facts,
): Diagnostics {
  const classes = names.map((name, label): CalibratedClass => ({
    ...{ name, examples: counts[label]!, clients: clients[label]! },
    status: counts[label] === 0 ? 'missing' : 'ok',
    ...{ rank: null, condition: null, jitter: null, betweenClients: null, virtualExamples: 0 },
  }))
  return {
    calibration: {
      ...{ answered: [...answered], missing: [...missing], classes },
      virtual: {
        ...{ lossBefore: before.loss, lossAfter: after.loss },
        ...{ accuracyBefore: before.accuracy, accuracyAfter: after.accuracy },
      },
    },
  }
}
