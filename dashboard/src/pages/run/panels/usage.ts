/** Shares of the selections that went to each entry of a pool. */
import type { Curve } from '#protocol/run-views.js'
import { MOST_CURVES } from '#protocol/server-views.js'
import { evenly } from './recall.js'

const PREFIX = 'routing/usage/'

export const usageNames = (metrics: readonly string[]): readonly string[] =>
  metrics
    .filter((name) => name.startsWith(PREFIX))
    .toSorted((a, b) => Number(a.slice(PREFIX.length)) - Number(b.slice(PREFIX.length)))
    .slice(0, MOST_CURVES)

export interface UsageTable {
  readonly entries: readonly string[]
  readonly rounds: readonly number[]
  /** entries × rounds. */
  readonly values: readonly (readonly (number | null)[])[]
  /** In the latest round that tells; an entry that it does not name was not used. */
  readonly latest: readonly (number | null)[]
}

export function usageTable(curves: readonly Curve[], most: number): UsageTable {
  const own = curves.filter(({ name }) => name.startsWith(PREFIX))
  const all = [...new Set(own.flatMap(({ rounds }) => rounds))].sort((a, b) => a - b)
  const rounds = evenly(all, most)
  const values = own.map((curve) => {
    const byRound = new Map(curve.rounds.map((round, i) => [round, curve.values[i] ?? null]))
    return rounds.map((round) => byRound.get(round) ?? null)
  })
  return {
    entries: own.map(({ name }) => name.slice(PREFIX.length)),
    ...{ rounds, values },
    latest: values.map((row) => row.at(-1) ?? null),
  }
}
