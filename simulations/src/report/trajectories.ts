/** From the rounds of a group of runs to what a chart shows: one value per round or per name, and how far the runs lie apart. */
import type { RoundRecord, RunRecord } from '#protocol/record.js'

/** Mean, smallest and largest value over runs. */
export interface Range {
  readonly mean: number
  readonly low: number
  readonly high: number
}
export interface RoundPoint extends Range {
  readonly round: number
  /** Bytes in both directions until the model of this round was there; mean over the runs. */
  readonly bytes: number
  /** The round's model came out of a calibration, beside the line of trained ones. */
  readonly isCalibrated: boolean
}

export function rangeOf(values: readonly number[]): Range {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    low: Math.min(...values),
    high: Math.max(...values),
  }
}

export const roundBytes = ({ bytesUp, bytesDown }: RoundRecord): number => bytesUp + bytesDown
export const metric =
  (name: string) =>
  ({ metrics }: RoundRecord): number | undefined =>
    metrics[name]

/**
 * What a value says something of: of the round that tells it; of the model that was there when it closed, as scores of the
 * coordinator do; or of the model that clients received in it, as theirs do.
 */
export type About = 'round' | 'made' | 'received'
export const aboutOf = (metricName: string): About =>
  isOfClients(metricName) ? 'received' : 'made'
/** Measured by the clients, on their own examples: over all examples, or over all clients. */
export const isOfClients = (metricName: string): boolean =>
  /^(?:federated|clients)\//.test(metricName)

/** The round that made the model which a value told in `rounds[at]` is about; its own for values about rounds. */
export function scoredRound(run: RunRecord, at: number, about: About): RoundRecord | undefined {
  const { rounds } = run
  const told = rounds[at]
  if (about === 'round' || told === undefined) return told
  // A round that only evaluates makes no model: what the coordinator measures then, it has measured before.
  if (about === 'made') return told.part === 'evaluation' ? rounds[at - 1] : told
  const isOfTraining =
    told.part === 'calibration' || (told.part === 'method' && !goesOnFromCalibrated(run))
  return isOfTraining
    ? rounds.slice(0, at).findLast(({ part }) => part !== 'calibration')
    : rounds[at - 1]
}
const goesOnFromCalibrated = ({ config }: RunRecord): boolean =>
  config.calibration?.when === 'every-round'

/**
 * Means over runs, round by round. Only rounds that every run measured: a mean over other runs than the point before would
 * jump. Runs that never measured it do not count.
 */
export function trajectory(
  runs: readonly RunRecord[],
  read: (round: RoundRecord) => number | undefined,
  about: About = 'round',
): readonly RoundPoint[] {
  const measured = runs.map((run) => measure(run, read, about)).filter((points) => points.size > 0)
  const [first] = measured
  return [...(first ?? [])].flatMap(([round, { isCalibrated }]) => {
    const points = measured
      .map((of) => of.get(round))
      .filter((point) => point !== undefined)
      .filter((point) => point.isCalibrated === isCalibrated)
    if (points.length < measured.length) return []
    return {
      round,
      ...rangeOf(points.map(({ value }) => value)),
      bytes: rangeOf(points.map(({ bytes }) => bytes)).mean,
      isCalibrated,
    }
  })
}

interface Measured {
  readonly value: number
  readonly bytes: number
  readonly isCalibrated: boolean
}
function measure(
  run: RunRecord,
  read: (round: RoundRecord) => number | undefined,
  about: About,
): ReadonlyMap<number, Measured> {
  const points = new Map<number, Measured>()
  const sent = new Map<number, number>()
  let bytes = 0
  for (const [at, round] of run.rounds.entries()) {
    bytes += roundBytes(round)
    sent.set(round.round, bytes)
    const value = read(round)
    const of = value === undefined ? undefined : scoredRound(run, at, about)
    if (value === undefined || of === undefined) continue
    const isCalibrated = of.part === 'calibration'
    points.set(of.round, { value, bytes: sent.get(of.round) ?? bytes, isCalibrated })
  }
  return points
}

/** The latest round of a run with a metric below `prefix`: its values by the rest of their names. Empty when there is none. */
export function latestBelow({ rounds }: RunRecord, prefix: string): ReadonlyMap<string, number> {
  const isBelow = (name: string): boolean => name.startsWith(prefix)
  const round = rounds.findLast(({ metrics }) => Object.keys(metrics).some(isBelow))
  return new Map(
    Object.entries(round?.metrics ?? {})
      .filter(([name]) => isBelow(name))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  )
}

/** For every name that a run has a value for, the range over the runs that have one. */
export function rangesByName<Name>(
  runs: readonly ReadonlyMap<Name, number>[],
): ReadonlyMap<Name, Range> {
  const names = new Set(runs.flatMap((values) => [...values.keys()]))
  return new Map(
    [...names].map((name) => [
      name,
      rangeOf(runs.map((values) => values.get(name)).filter((value) => value !== undefined)),
    ]),
  )
}

/** What is known of single clients at the end of a run, by slot. */
export interface ClientValues {
  /** Accuracy of the final model on a client's held-out examples, or a client's latest training loss. */
  readonly kind: 'accuracy' | 'loss'
  readonly bySlot: ReadonlyMap<number, number>
}

/** Null where clients told neither. */
export function clientValues({ rounds }: RunRecord): ClientValues | null {
  const final = rounds.findLast(({ part }) => part === 'evaluation')
  const accuracy = bySlot(final === undefined ? [] : [final], 'accuracy')
  if (accuracy.size > 0) return { kind: 'accuracy', bySlot: accuracy }
  const loss = bySlot(
    rounds.filter(({ purpose }) => purpose === 'train'),
    'loss',
  )
  return loss.size > 0 ? { kind: 'loss', bySlot: loss } : null
}

/** Later rounds overwrite earlier ones. */
const bySlot = (rounds: readonly RoundRecord[], name: string): ReadonlyMap<number, number> =>
  new Map(
    rounds
      .flatMap(({ accepted }) => accepted)
      .flatMap(({ slot, metrics }) =>
        metrics[name] === undefined ? [] : [[slot, metrics[name]] as const],
      )
      .sort(([a], [b]) => a - b),
  )

/** From the lowest to the highest. */
export const sortedMeans = (values: ReadonlyMap<number, Range>): readonly number[] =>
  [...values.values()].map(({ mean }) => mean).sort((a, b) => a - b)
