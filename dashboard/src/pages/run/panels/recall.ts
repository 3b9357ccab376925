/** Recall of each class, round by round. */
import type { Curve } from '#protocol/run-views.js'
import { MOST_CURVES } from '#protocol/server-views.js'

/** Whose examples it is of. */
export const RECALL_PREFIXES = { central: 'recall/', clients: 'federated/recall/' } as const
export type RecallOf = keyof typeof RECALL_PREFIXES

/** Classes of which there are curves, in label order; of very many the first. */
export function recallNames(
  metrics: readonly string[],
  classes: readonly string[],
  of: RecallOf,
): readonly string[] {
  const known = new Set(metrics)
  return classes
    .map((name) => `${RECALL_PREFIXES[of]}${name}`)
    .filter((name) => known.has(name))
    .slice(0, MOST_CURVES)
}

export interface RecallTable {
  readonly classes: readonly string[]
  readonly rounds: readonly number[]
  /** classes × rounds. */
  readonly values: readonly (readonly (number | null)[])[]
}

/** Of many rounds so many, evenly spread, the first and the last among them. */
export function evenly<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items
  const step = (items.length - 1) / (most - 1)
  return Array.from({ length: most }, (_, i) => items[Math.round(i * step)]).filter(
    (item) => item !== undefined,
  )
}

export function recallTable(curves: readonly Curve[], of: RecallOf, most: number): RecallTable {
  const all = [...new Set(curves.flatMap(({ rounds }) => rounds))].sort((a, b) => a - b)
  const rounds = evenly(all, most)
  return {
    classes: curves.map(({ name }) => name.slice(RECALL_PREFIXES[of].length)),
    rounds,
    values: curves.map((curve) => {
      const byRound = new Map(curve.rounds.map((round, i) => [round, curve.values[i] ?? null]))
      return rounds.map((round) => byRound.get(round) ?? null)
    }),
  }
}
