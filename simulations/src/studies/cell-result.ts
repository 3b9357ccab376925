import { z } from 'zod'
import type { Metrics, RoundRecord, RunRecord } from '#protocol/record.js'
import { count, engine, hash, metrics, slot } from '#protocol/wire.js'
import { calibrationsOf, type Calibrated } from '#simulations/report/calibration.js'
import { finalClients } from '#simulations/report/clients.js'
import { summarise } from '#simulations/report/summary.js'
import { aboutOf, scoredRound } from '#simulations/report/trajectories.js'
import type { Cell, Study } from './load-study.js'

/** What is kept of a cell's run, small enough to be committed beside the experiment. Names no place of the machine it ran on. */
export const cellResultSchema = z.strictObject({
  format: z.literal(1),
  study: z.string(),
  setting: z.string(),
  variant: z.string(),
  seed: count,
  /** The variant whose final model it started from. */
  startsFrom: z.string().exactOptional(),
  configHash: hash,
  modelHash: hash.nullable(),
  version: z.string(),
  /** What trained. */
  engine,
  /** The metric that variants are compared by. */
  measure: z.string(),
  /** The measure by the round whose model it was taken of. */
  curve: z.record(z.string().regex(/^\d+$/), z.number()),
  /** The latest value of every metric. */
  metrics,
  calibration: z
    .strictObject({
      /** Places in `curve` whose model came out of a calibration. */
      rounds: z.array(count),
      /** Scores of the model that the last one corrected; empty where nobody took them. */
      before: metrics,
    })
    .exactOptional(),
  /** What every client scored at the end on its own held-out examples, in slot order; left out where none did. */
  clients: z
    .array(z.strictObject({ slot, accuracy: z.number().min(0).max(1), examples: count }))
    .exactOptional(),
  /** Of this run alone: what a model that it started from had cost is not counted. */
  rounds: count,
  bytesUp: count,
  bytesDown: count,
  seconds: z.number().nonnegative(),
})
export type CellResult = z.infer<typeof cellResultSchema>

export function cellResultOf(
  study: Pick<Study, 'name' | 'measure'>,
  { setting, variant, seed, startsFrom }: Omit<Cell, 'config'>,
  record: RunRecord,
): CellResult {
  const { configHash, modelHash, version } = record
  const { rounds, bytesUp, bytesDown, seconds } = summarise(record)
  const latest = latestMetrics(record.rounds)
  const measure = measureOf(study, latest)
  const clients = [...finalClients(record)]
  return {
    format: 1,
    ...{ study: study.name, setting, variant, seed },
    ...(startsFrom === null ? {} : { startsFrom }),
    ...{ configHash, modelHash, version },
    engine: record.roster[0]?.engine ?? record.engine,
    measure,
    curve: curveOf(record, measure),
    metrics: latest,
    ...calibrationOf(record),
    ...(clients.length === 0 ? {} : { clients }),
    ...{ rounds, bytesUp, bytesDown, seconds },
  }
}

/** The metric that the study names; else the accuracy on the coordinator's data, and on the clients' where it has none. */
export function measureOf({ measure }: Pick<Study, 'measure'>, metrics: Metrics): string {
  if (measure !== null) return measure
  const isOnlyFederated = !('accuracy' in metrics) && 'federated/accuracy' in metrics
  return isOnlyFederated ? 'federated/accuracy' : 'accuracy'
}

function curveOf(record: RunRecord, measure: string): CellResult['curve'] {
  const about = aboutOf(measure)
  const points = record.rounds.flatMap(({ metrics }, at) => {
    const value = metrics[measure]
    const of = scoredRound(record, at, about)
    return value === undefined || of === undefined ? [] : [[of.round, value] as const]
  })
  return Object.fromEntries(points)
}

function calibrationOf(record: RunRecord): Pick<CellResult, 'calibration'> {
  const all = calibrationsOf(record)
  const last = all.at(-1)
  if (last === undefined) return {}
  return { calibration: { rounds: all.map(({ round }) => round), before: beforeOf(last) } }
}

/** Under the names that the same scores have after it. */
function beforeOf({ before, scoredBy }: Calibrated): Metrics {
  if (before === null) return {}
  const prefix = scoredBy === 'clients' ? 'federated/' : ''
  const { accuracy, loss, recall } = before
  const scores = [
    ['accuracy', accuracy] as const,
    ...(loss === null ? [] : [['loss', loss] as const]),
    ...[...recall].map(([name, value]) => [`recall/${name}`, value] as const),
  ]
  return Object.fromEntries(scores.map(([name, value]) => [`${prefix}${name}`, value]))
}

/** Sorted by name, so that equal results are equal files. */
function latestMetrics(rounds: readonly RoundRecord[]): Metrics {
  const latest: Record<string, number> = {}
  for (const { metrics } of rounds) Object.assign(latest, metrics)
  return Object.fromEntries(Object.entries(latest).sort(([a], [b]) => (a < b ? -1 : 1)))
}
