/** How clients are served, as charts need it. */
import type { Curve, MemberCurves, RunView } from '#protocol/run-views.js'
import type { CurveLine } from '../../../parts/curves.js'

/** The mean over clients, with a band of one standard deviation to either side; of shares, so that it ends at 0 and 1. */
export function meanLine(mean: Curve | undefined, deviation: Curve | undefined): CurveLine | null {
  if (mean === undefined) return null
  const line = { id: mean.name, label: 'Mean ± deviation', x: mean.rounds, y: mean.values }
  if (deviation === undefined) return { ...line, label: 'Mean' }
  const byRound = new Map(deviation.rounds.map((round, i) => [round, deviation.values[i] ?? null]))
  const end = (sign: 1 | -1) =>
    mean.rounds.map((round, i) => {
      const [value, spread] = [mean.values[i] ?? null, byRound.get(round) ?? null]
      if (value === null || spread === null) return null
      return Math.min(1, Math.max(0, value + sign * spread))
    })
  return { ...line, band: { low: end(-1), high: end(1) } }
}

/** Whether two curves have the same values throughout. */
export const isSame = (a: Curve | undefined, b: Curve | undefined): boolean =>
  a !== undefined && b !== undefined && a.values.join() === b.values.join()

export interface ClientScores {
  readonly names: readonly string[]
  readonly values: readonly number[]
  readonly mean: number | null
}
/** The latest value of each, from the lowest to the highest. */
export function clientScores(
  curves: MemberCurves | undefined,
  roster: RunView['roster'],
): ClientScores {
  const names = new Map(roster.map(({ slot, name }) => [slot, name]))
  const scored = (curves?.members ?? [])
    .flatMap(({ slot, values }) => {
      const value = values.findLast((one) => one !== null) ?? null
      return value === null ? [] : [{ name: names.get(slot) ?? String(slot), value }]
    })
    .sort((a, b) => a.value - b.value)
  const values = scored.map(({ value }) => value)
  return {
    ...{ names: scored.map(({ name }) => name), values },
    mean:
      values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
  }
}
