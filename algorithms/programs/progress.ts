import { makeBundle } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonValue } from '#protocol/json.js'
import type { Metrics } from '#protocol/record.js'
import type { EvaluationConfig } from '#protocol/run-config.js'

/** How far a run is, and what early stopping remembers. */
export interface Progress {
  readonly trainingRounds: number
  /** The round that scores the final model on every client has been closed. */
  readonly isFinalScored: boolean
  /** Best value of the watched metric; null before the first. */
  readonly best: number | null
  /** Measurements since the best one. */
  readonly stale: number
  readonly isStopped: boolean
}

export const START: Progress = {
  trainingRounds: 0,
  isFinalScored: false,
  best: null,
  stale: 0,
  isStopped: false,
}

export const progressBundle = (progress: Progress): Bundle => makeBundle([], { ...progress })

export function progressIn({ meta }: Bundle): Progress {
  const number = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0)
  const best = meta['best']
  return {
    trainingRounds: number(meta['trainingRounds']),
    isFinalScored: meta['isFinalScored'] === true,
    best: typeof best === 'number' ? best : null,
    stale: number(meta['stale']),
    isStopped: meta['isStopped'] === true,
  }
}

/**
 * Early stopping: stops after `patience` measurements in a row that are not better than the best by more than `minDelta`.
 * Watches the central score where there is one, else the federated one.
 */
export function watched(
  progress: Progress,
  metrics: Metrics,
  evaluation: EvaluationConfig,
): Progress {
  const { earlyStop, central } = evaluation
  if (earlyStop === null) return progress
  const value = metrics[central === null ? `federated/${earlyStop.metric}` : earlyStop.metric]
  if (value === undefined) return progress
  const gain =
    progress.best === null
      ? Infinity
      : (value - progress.best) * (earlyStop.metric === 'loss' ? -1 : 1)
  if (gain > earlyStop.minDelta) return { ...progress, best: value, stale: 0 }
  const stale = progress.stale + 1
  return { ...progress, stale, isStopped: stale >= earlyStop.patience }
}
