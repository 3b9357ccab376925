import { describe, expect, it } from 'vitest'
import { thinned, type Point } from './thin.js'

const curve = (length: number, y: (i: number) => number): readonly Point[] =>
  Array.from({ length }, (_, x) => ({ x, y: y(x) }))

describe('thinning a curve', () => {
  it.each([3, 4, 7, 100, 999])(
    'leaves %d of 1000 points, ascending, both ends among them',
    (most) => {
      const kept = thinned(
        curve(1000, (i) => Math.sin(i / 40)),
        most,
      ).map(({ x }) => x)
      expect(kept).toHaveLength(most)
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
      expect([kept[0], kept.at(-1)]).toEqual([0, 999])
    },
  )
  it('leaves a curve as it is that has no more', () => {
    for (const length of [0, 1, 3, 40])
      expect(thinned(curve(length, Math.sin), 40)).toEqual(curve(length, Math.sin))
  })
  it('keeps the one point that stands out, wherever it is', () => {
    for (const place of [1, 313, 500, 998]) {
      const points = curve(1000, (i) => Number(i === place))
      expect(thinned(points, 40).map(({ x }) => x)).toContain(place)
    }
  })
  it('goes by where points lie', () => {
    // Between its neighbours in x, the middle one is on the line that joins them; its twin is not.
    const points = [0, 1, 2, 3, 40, 50].map((x) => ({ x, y: x < 3 ? x : 3 }))
    expect(thinned(points, 3).map(({ x }) => x)).toEqual([0, 3, 50])
  })
})
