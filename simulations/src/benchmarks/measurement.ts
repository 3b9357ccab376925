import type { Engine, RoundRecord, RunRecord } from '#protocol/record.js'
import type { WorkerReport } from '#simulations/process-use.js'

export interface RoundMeasurement {
  readonly round: number
  /** After the round; null where nothing was evaluated. */
  readonly accuracy: number | null
  /** From planning the round to its closing, with the evaluation. */
  readonly seconds: number
  /** Of these, until the last worker had trained its clients. */
  readonly trainingSeconds: number
  /** Processor time of that, summed over the processes that trained. */
  readonly trainingCpuSeconds: number
  /** Summed over the processes that trained. */
  readonly tensorsBefore: number
  readonly tensorsAfter: number
}
/** One run on one backend. */
export interface Measurement {
  readonly runId: string
  readonly modelHash: string | null
  /** What trained. */
  readonly engine: Engine
  /** Of the model before training. */
  readonly accuracyBefore: number | null
  readonly rounds: readonly RoundMeasurement[]
  /** Peak resident memory by process that trained. */
  readonly peakRssBytes: readonly number[]
}

export function measurementOf(record: RunRecord, reports: readonly WorkerReport[]): Measurement {
  const peaks = new Map<number, number>()
  for (const { pid, peakRssBytes } of reports) {
    peaks.set(pid, Math.max(peakRssBytes, peaks.get(pid) ?? 0))
  }
  const trained = record.rounds.filter(({ round }) => round > 0)
  return {
    runId: record.runId,
    modelHash: record.modelHash,
    engine: record.roster[0]?.engine ?? record.engine,
    accuracyBefore: record.rounds.find(({ round }) => round === 0)?.metrics['accuracy'] ?? null,
    rounds: trained.map((round) =>
      roundOf(
        round,
        reports.filter((report) => report.round === round.round),
      ),
    ),
    peakRssBytes: [...peaks.values()],
  }
}

function roundOf(record: RoundRecord, reports: readonly WorkerReport[]): RoundMeasurement {
  return {
    round: record.round,
    accuracy: record.metrics['accuracy'] ?? null,
    seconds: record.durationMs / 1000,
    trainingSeconds: Math.max(0, ...reports.map(({ seconds }) => seconds)),
    trainingCpuSeconds: sum(reports.map(({ cpuSeconds }) => cpuSeconds)),
    tensorsBefore: sum(reports.map(({ tensorsBefore }) => tensorsBefore)),
    tensorsAfter: sum(reports.map(({ tensorsAfter }) => tensorsAfter)),
  }
}

export const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0)
/** Mean seconds of a round. */
export const secondsPerRound = ({ rounds }: Measurement): number =>
  sum(rounds.map(({ seconds }) => seconds)) / rounds.length
/** Mean seconds of a round's training. */
export const trainingPerRound = ({ rounds }: Measurement): number =>
  sum(rounds.map(({ trainingSeconds }) => trainingSeconds)) / rounds.length
/** Mean processor seconds of a round's training. */
export const trainingCpuPerRound = ({ rounds }: Measurement): number =>
  sum(rounds.map(({ trainingCpuSeconds }) => trainingCpuSeconds)) / rounds.length
export const peakRss = ({ peakRssBytes }: Measurement): number => sum(peakRssBytes)
export const finalAccuracy = ({ rounds }: Measurement): number | null =>
  rounds.at(-1)?.accuracy ?? null
