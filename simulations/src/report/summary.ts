import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { calibrationSummary, lastCalibration, type CalibrationSummary } from './calibration.js'
import { clientSummary, type ClientSummary } from './clients.js'

/** The numbers that every command about a whole run ends with. Accuracy is null where nothing was evaluated. */
export interface RunSummary {
  readonly accuracy: number | null
  readonly loss: number | null
  readonly rounds: number
  readonly seconds: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly modelHash: string | null
  /** The latest; null where there was none. */
  readonly calibration: CalibrationSummary | null
  /** How well and how evenly clients are served; null where they scored nothing. */
  readonly clients: ClientSummary | null
}

const total = (
  rounds: readonly RoundRecord[],
  key: 'bytesUp' | 'bytesDown' | 'durationMs',
): number => rounds.reduce((sum, round) => sum + round[key], 0)

/** The latest value of a metric; null if it was never measured. */
export function latestMetric(rounds: readonly RoundRecord[], name: string): number | null {
  return rounds.findLast((round) => round.metrics[name] !== undefined)?.metrics[name] ?? null
}

export function summarise(record: RunRecord): RunSummary {
  const calibrated = lastCalibration(record)
  return {
    accuracy:
      latestMetric(record.rounds, 'accuracy') ?? latestMetric(record.rounds, 'federated/accuracy'),
    loss: latestMetric(record.rounds, 'loss') ?? latestMetric(record.rounds, 'federated/loss'),
    rounds: record.rounds.filter((round) => round.round > 0).length,
    seconds: total(record.rounds, 'durationMs') / 1000,
    bytesUp: total(record.rounds, 'bytesUp'),
    bytesDown: total(record.rounds, 'bytesDown'),
    modelHash: record.modelHash,
    calibration: calibrated === null ? null : calibrationSummary(calibrated),
    clients: clientSummary(record),
  }
}
