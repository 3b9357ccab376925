/** What a calibration tells of itself: numbers by name, and more for people who ask why (ccvr specification §11.3). */
import type { Bundle } from '#protocol/bundle.js'
import type { CalibratedClass, Diagnostics } from '#protocol/diagnostics.js'
import type { Metrics } from '#protocol/record.js'
import { coverageMetrics, type Coverage } from '#algorithms/calibration/coverage.js'
import { geometryOfMoments } from '#algorithms/diagnostics/geometry.js'
import { headVectors } from '#algorithms/diagnostics/head-norms.js'
import { paramsOf } from '#algorithms/models/params.js'
import type { GlobalClass } from './moments.js'
import type { NewHead } from './new-head.js'
import type { CcvrSetup } from './uplink.js'

export interface CalibrationReport {
  readonly coverage: Coverage
  readonly classes: readonly GlobalClass[]
  readonly made: NewHead
}

export function metricsOf({ coverage, classes, made }: CalibrationReport): Metrics {
  const count = (statuses: readonly GlobalClass['status'][]): number =>
    classes.filter(({ status }) => statuses.includes(status)).length
  const { scores, drawn } = made
  return {
    ...coverageMetrics(coverage),
    'calibration/examples': classes.reduce((sum, { n }) => sum + n, 0),
    'calibration/missingClasses': count(['missing']),
    'calibration/lowRankClasses': count(['low-rank', 'single']),
    ...(scores === null
      ? {}
      : {
          'calibration/jitter': Math.max(...[...drawn.values()].map(({ jitter }) => jitter)),
          'calibration/virtualLoss/before': scores.before.loss,
          'calibration/virtualLoss/after': scores.after.loss,
          'calibration/virtualAccuracy/before': scores.before.accuracy,
          'calibration/virtualAccuracy/after': scores.after.accuracy,
        }),
  }
}

export async function diagnosticsOf(
  { config, model, hyper }: CcvrSetup,
  { coverage, classes, made }: CalibrationReport,
  calibrated: Bundle,
): Promise<Diagnostics> {
  const { scores, drawn } = made
  const rows = classes.map((one): CalibratedClass => {
    const facts = drawn.get(one.label)
    return {
      name: config.task.classes[one.label]!,
      ...{ examples: one.n, clients: one.clients, status: one.status },
      ...{ rank: facts?.rank ?? null, condition: facts?.condition ?? null },
      ...{ jitter: facts?.jitter ?? null, betweenClients: one.betweenClients },
      virtualExamples: facts?.count ?? 0,
    }
  })
  return {
    calibration: {
      ...{ answered: [...coverage.answered], missing: [...coverage.missing], classes: rows },
      virtual: {
        ...{ lossBefore: scores?.before.loss ?? null, lossAfter: scores?.after.loss ?? null },
        accuracyBefore: scores?.before.accuracy ?? null,
        accuracyAfter: scores?.after.accuracy ?? null,
      },
    },
    // Where the head stands behind the inverse of a power, moments and head live in different spaces.
    ...(hyper.transform === 'tukey-inverse'
      ? {}
      : {
          geometry: await geometryOfMoments(
            hyper.covMode === 'none'
              ? classes.map((one) => ({ ...one, covariance: null }))
              : classes,
            headVectors(model, paramsOf(model, calibrated)),
          ),
        }),
  }
}
