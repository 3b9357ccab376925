export interface Point {
  readonly x: number
  readonly y: number
}

/**
 * At most `most` of the points, the first and the last among them, so that what stands out stays: of each stretch the point that
 * makes the largest triangle with the one chosen before and the middle of the stretch after (largest triangle three buckets:
 * Steinarsson 2013, https://skemman.is/handle/1946/15343). x ascends; `most` is at least 3.
 */
export function thinned<One extends Point>(points: readonly One[], most: number): readonly One[] {
  const { length } = points
  const [first, last] = [points[0], points.at(-1)]
  if (length <= most || first === undefined || last === undefined) return points
  const edge = (stretch: number): number => 1 + Math.floor((stretch * (length - 2)) / (most - 2))
  const chosen = [first]
  let before = first
  for (let stretch = 0; stretch < most - 2; stretch += 1) {
    const [from, to] = [edge(stretch), edge(stretch + 1)]
    const after = middleOf(points.slice(to, Math.max(edge(stretch + 2), to + 1)))
    before = farthest(points.slice(from, to), before, after)
    chosen.push(before)
  }
  return [...chosen, last]
}

/** The first of those that make the largest triangle; `before` itself where there is none. */
function farthest<One extends Point>(points: readonly One[], before: One, after: Point): One {
  let [best, largest] = [before, -1]
  for (const one of points) {
    const area = Math.abs(
      (before.x - after.x) * (one.y - before.y) - (before.x - one.x) * (after.y - before.y),
    )
    if (area > largest) [best, largest] = [one, area]
  }
  return best
}

function middleOf(points: readonly Point[]): Point {
  const sum = points.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 })
  return { x: sum.x / points.length, y: sum.y / points.length }
}
