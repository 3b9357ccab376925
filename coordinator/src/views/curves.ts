import type { Slot } from '#protocol/ids.js'
import type { Curve, MemberCurves } from '#protocol/run-views.js'
import type { CurveRow, MemberRow } from './digests.js'
import { thinned, type Point } from './thin.js'

/** Most points of the curves of all members together: a few MB. */
const MOST_MEMBER_POINTS = 200_000
const LEAST_POINTS = 3

/** A curve for each name of which there is a metric. `createdAt`: when the run began. */
export function curvesOf(
  rows: readonly CurveRow[],
  createdAt: string,
  { names, points }: { readonly names: readonly string[]; readonly points: number },
): readonly Curve[] {
  const began = Date.parse(createdAt)
  let sent = 0
  const placed = rows.map(({ round, closedAt, bytes, metrics }) => {
    sent += bytes
    return { x: round, seconds: (Date.parse(closedAt) - began) / 1000, bytes: sent, metrics }
  })
  return names.flatMap((name) => {
    const scored = placed.flatMap(({ metrics, ...place }) => {
      const y = metrics[name]
      return y === undefined ? [] : [{ ...place, y }]
    })
    if (scored.length === 0) return []
    const kept = thinned(scored, points)
    return {
      name,
      rounds: kept.map(({ x }) => x),
      seconds: kept.map(({ seconds }) => seconds),
      bytes: kept.map(({ bytes }) => bytes),
      values: kept.map(({ y }) => y),
    }
  })
}

/** Of each member that told of the metric, in slot order. */
export function memberCurvesOf(
  rows: readonly MemberRow[],
  { name, points }: { readonly name: string; readonly points: number },
): MemberCurves {
  const bySlot = new Map<Slot, Point[]>()
  for (const { round, members } of rows)
    for (const [slot, told] of members) {
      const y = told[name]
      if (y === undefined) continue
      const curve = bySlot.get(slot) ?? []
      bySlot.set(slot, curve)
      curve.push({ x: round, y })
    }
  const room = Math.floor(MOST_MEMBER_POINTS / Math.max(1, bySlot.size))
  const most = Math.max(LEAST_POINTS, Math.min(points, room))
  const members = [...bySlot].map(([slot, curve]) => {
    const kept = thinned(curve, most)
    return { slot, rounds: kept.map(({ x }) => x), values: kept.map(({ y }) => y) }
  })
  return { name, members: members.sort((a, b) => a.slot - b.slot) }
}
