import { describe, expect, it } from 'vitest'
import { makeBundle } from '#protocol/bundle.js'
import { keyMapOf } from './key-map.js'
import { KEYS } from './pool.js'

const modelOf = (rows: readonly (readonly number[])[]) =>
  makeBundle([
    {
      ...{ name: KEYS, dtype: 'float32' as const, shape: [rows.length, rows[0]?.length ?? 0] },
      data: Float32Array.from(rows.flat()),
    },
  ])
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)))

describe('the map of keys', () => {
  it('keeps every distance of keys that lie in a plane, wherever that is', async () => {
    const plane = [
      [0, 0],
      [3, 0],
      [3, 4],
      [-1, 2],
      [5, -2],
    ] as const
    // Spread over five dimensions by two directions at a right angle.
    const rows = plane.map(([a, b]) => [7 + 0.6 * a, 0.8 * a, 1, -1 + 0.8 * b, 0.6 * b])
    const map = await keyMapOf(modelOf(rows))
    expect(map?.width).toBe(5)
    expect((map?.shown[0] ?? 0) + (map?.shown[1] ?? 0)).toBeCloseTo(1, 6)
    const points = map?.points.map(({ x, y }) => [x, y]) ?? []
    for (const [i, a] of plane.entries())
      for (const [j, b] of plane.entries())
        expect(distance(points[i] ?? [], points[j] ?? [])).toBeCloseTo(distance(a, b), 4)
  })
  it('has the widest spread along x, and the farthest entry on the positive side', async () => {
    const map = await keyMapOf(
      modelOf([
        [-10, 0],
        [1, 1],
        [2, -1],
        [3, 0],
      ]),
    )
    const [first] = map?.points ?? []
    expect(first?.x).toBeCloseTo(9, 1)
    expect(map?.shown[0]).toBeGreaterThan(0.9)
  })
  it('puts equal keys, and a single one, in one place', async () => {
    for (const rows of [
      [[1, 2, 3]],
      [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
    ]) {
      const map = await keyMapOf(modelOf(rows))
      expect(map?.shown).toEqual([0, 0])
      for (const { x, y } of map?.points ?? []) expect(Math.hypot(x, y)).toBeCloseTo(0, 9)
    }
  })
  it('is none of a model without keys', async () => {
    expect(await keyMapOf(makeBundle([]))).toBeNull()
  })
})
