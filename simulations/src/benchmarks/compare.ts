import {
  finalAccuracy,
  peakRss,
  secondsPerRound,
  trainingCpuPerRound,
  trainingPerRound,
  type Measurement,
} from './measurement.js'

/** A backend against the reference: below 1 is less time or memory. */
export interface Comparison {
  readonly backend: string
  readonly reference: string
  readonly roundTimeRatio: number
  readonly trainingTimeRatio: number
  readonly trainingCpuRatio: number
  readonly peakRssRatio: number
  /** Final accuracy less the reference's; null where nothing was evaluated. */
  readonly accuracyDifference: number | null
}

export function compareWith(reference: Measurement, other: Measurement): Comparison {
  const [mine, theirs] = [finalAccuracy(other), finalAccuracy(reference)]
  return {
    backend: other.engine.backend,
    reference: reference.engine.backend,
    roundTimeRatio: secondsPerRound(other) / secondsPerRound(reference),
    trainingTimeRatio: trainingPerRound(other) / trainingPerRound(reference),
    trainingCpuRatio: trainingCpuPerRound(other) / trainingCpuPerRound(reference),
    peakRssRatio: peakRss(other) / peakRss(reference),
    accuracyDifference: mine === null || theirs === null ? null : mine - theirs,
  }
}

/** What must hold and does not, in words; empty when all is well. */
export function faultsOf(
  measurements: readonly Measurement[],
  accuracyTolerance: number,
): readonly string[] {
  const [reference, ...others] = measurements
  const leaks = measurements.flatMap(leaksOf)
  if (reference === undefined) return leaks
  const apart = others
    .map((other) => compareWith(reference, other))
    .filter(({ accuracyDifference }) => Math.abs(accuracyDifference ?? 0) > accuracyTolerance)
    .map(
      ({ backend, accuracyDifference }) =>
        `${backend} ends ${(accuracyDifference ?? 0).toFixed(4)} from the accuracy of ${reference.engine.backend}, more than ${accuracyTolerance}`,
    )
  return [...leaks, ...apart]
}

/** A round may leave no more tensors than the first one found. */
function leaksOf({ engine, rounds }: Measurement): readonly string[] {
  const allowed = rounds[0]?.tensorsBefore ?? 0
  return rounds
    .filter(({ tensorsAfter }) => tensorsAfter > allowed)
    .map(
      ({ round, tensorsAfter }) =>
        `${engine.backend} keeps ${tensorsAfter} tensors after round ${round}, ${allowed} before the first`,
    )
}
