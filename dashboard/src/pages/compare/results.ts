/** What runs came to, one by one or over those that repeat one another. */
import type { Curve, RunLine } from '#protocol/run-views.js'
import { latest, reached } from './series.js'

export interface Spread {
  readonly mean: number
  /** Sample standard deviation; null of one value. */
  readonly deviation: number | null
}
/** A run with what is asked of its curves, by metric. */
export interface Told {
  readonly line: RunLine
  readonly curves: ReadonlyMap<string, Curve>
}
export interface Result {
  readonly accuracy: Spread | null
  readonly loss: Spread | null
  /** Accuracy of the worst served client. */
  readonly worst: Spread | null
  readonly rounds: number
  readonly bytes: Spread | null
  readonly seconds: Spread | null
  /** When the accuracy that all came to was first reached. */
  readonly roundsTo: Spread | null
  readonly bytesTo: Spread | null
}

/** Curves that results are made of; of each the first that a run has. */
const ACCURACY = ['accuracy', 'federated/accuracy', 'clients/accuracy'] as const
const LOSS = ['loss', 'federated/loss'] as const
const WORST = ['clients/worst', 'federated/lowestAccuracy'] as const
export const RESULT_METRICS: readonly string[] = [...ACCURACY, ...LOSS, ...WORST]

const firstOf = ({ curves }: Told, names: readonly string[]): Curve | undefined =>
  names.flatMap((name) => curves.get(name) ?? []).at(0)

/** The highest accuracy that every run came to at some time; null where one has none. */
export function commonAccuracy(runs: readonly Told[]): number | null {
  const best = runs.map((run) =>
    (firstOf(run, ACCURACY)?.values ?? []).reduce<number | null>(
      (most, value) => (value === null ? most : Math.max(most ?? value, value)),
      null,
    ),
  )
  const known = best.filter((value) => value !== null)
  return runs.length < 2 || known.length < runs.length ? null : Math.min(...known)
}

export function resultOf(runs: readonly Told[], common: number | null): Result {
  const over = (read: (run: Told) => number | null | undefined): Spread | null =>
    spreadOf(runs.flatMap((run) => read(run) ?? []))
  const last = (run: Told, key: 'bytes' | 'seconds'): number | null =>
    [...run.curves.values()].reduce<number | null>((most, curve) => {
      const value = curve[key].at(-1) ?? null
      return value === null ? most : Math.max(most ?? value, value)
    }, null)
  const to = (run: Told) => (common === null ? null : reached(firstOf(run, ACCURACY), common))
  return {
    accuracy: over(({ line }) => line.accuracy),
    loss: over((run) => latest(firstOf(run, LOSS))),
    worst: over((run) => latest(firstOf(run, WORST))),
    rounds: Math.max(0, ...runs.map(({ line }) => line.round)),
    bytes: over((run) => last(run, 'bytes')),
    seconds: over((run) => last(run, 'seconds')),
    roundsTo: over((run) => to(run)?.round),
    bytesTo: over((run) => to(run)?.bytes),
  }
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) }
}
