/** From curves of runs to the lines of a chart: one for each run, or the mean of runs that repeat one another, with a band. */
import type { Curve } from '#protocol/run-views.js'
import type { CurveLine } from '../../parts/curves.js'
import type { Against } from './search.js'

export interface SeriesSpec {
  readonly id: string
  readonly label: string
  readonly look: number
}

/** The latest value; null: there is none. */
export const latest = (curve: Curve | undefined): number | null =>
  curve?.values.findLast((value) => value !== null) ?? null

/** The mean over the curves against rounds, time or bytes, with the band from the lowest to the highest. */
export function lineOf(
  { id, label, look }: SeriesSpec,
  curves: readonly Curve[],
  against: Against,
): CurveLine | null {
  const [first] = curves
  if (first === undefined) return null
  if (curves.length === 1)
    return { id, label, look, ...pointsOf(first.rounds, first[against], first.values) }
  const rounds = [...new Set(curves.flatMap((curve) => curve.rounds))].sort((a, b) => a - b)
  const all = curves.map((curve) => ({
    values: resampled(curve, curve.values, rounds),
    places: resampled(curve, curve[against], rounds),
  }))
  const points = rounds.flatMap((_, i) => {
    // A mean over other runs than at the point before would jump.
    const values = all.map((one) => one.values[i] ?? null)
    const places = all.map((one) => one.places[i] ?? null)
    if (!isFull(values) || !isFull(places)) return []
    return [
      { x: mean(places), y: mean(values), low: Math.min(...values), high: Math.max(...values) },
    ]
  })
  return {
    ...{ id, label, look },
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    band: { low: points.map(({ low }) => low), high: points.map(({ high }) => high) },
  }
}

function pointsOf(
  rounds: readonly number[],
  at: readonly (number | null)[],
  values: readonly (number | null)[],
): Pick<CurveLine, 'x' | 'y'> {
  const points = rounds.flatMap((_, i) => {
    const x = at[i] ?? null
    return x === null ? [] : [{ x, y: values[i] ?? null }]
  })
  return { x: points.map(({ x }) => x), y: points.map(({ y }) => y) }
}

const isFull = (values: readonly (number | null)[]): values is readonly number[] =>
  values.every((value) => value !== null)
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** At each of the rounds, which rise: between two points on the straight line, which thinned curves are kept for; outside null. */
function resampled(
  { rounds: own }: Curve,
  values: readonly (number | null)[],
  rounds: readonly number[],
): readonly (number | null)[] {
  let at = 0
  return rounds.map((round) => {
    while ((own[at] ?? Infinity) < round) at += 1
    const [after, value] = [own[at], values[at] ?? null]
    if (after === undefined || value === null || after === round) return value
    const [before, start] = [own[at - 1], values[at - 1] ?? null]
    if (before === undefined || start === null) return null
    return start + ((value - start) * (round - before)) / (after - before)
  })
}

/** Where a curve first is as high as that; null: never. */
export function reached(
  curve: Curve | undefined,
  least: number,
): { readonly round: number; readonly bytes: number | null } | null {
  const at = curve?.values.findIndex((value) => value !== null && value >= least) ?? -1
  const round = curve?.rounds[at]
  return round === undefined ? null : { round, bytes: curve?.bytes[at] ?? null }
}
