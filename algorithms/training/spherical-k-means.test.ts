import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { sphericalKMeans } from './spherical-k-means.js'

const stream = (seed = 1): Stream => createStreams(seed)('keys', 0, 0)
const rowsOf = (...rows: readonly (readonly number[])[]) => ({
  values: Float32Array.from(rows.flat()),
  size: rows[0]?.length ?? 1,
})
/** Centroids as rows, in an order that does not depend on the draw. */
const sorted = (flat: Float32Array, size: number): readonly number[][] =>
  Array.from({ length: flat.length / size }, (_, i) => [
    ...flat.subarray(i * size, (i + 1) * size),
  ]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)

describe('spherical k-means', () => {
  it('finds the normalised sum of each group, whatever the lengths of its rows', () => {
    // Group 1: (3, 4) / 5 and (4, 3) / 5 sum to (1.4, 1.4): the direction (1, 1). Group 2 is (-2, 0) alone.
    const rows = rowsOf([30, 40], [0.4, 0.3], [-2, 0])
    for (const seed of [1, 2, 3, 4]) {
      const [left, right] = sorted(sphericalKMeans(rows, 2, stream(seed)), 2)
      expect(left).toEqual([-1, 0])
      expect(right?.[0]).toBeCloseTo(Math.SQRT1_2, 6)
      expect(right?.[1]).toBeCloseTo(Math.SQRT1_2, 6)
    }
  })

  it('separates clouds around the axes of space', () => {
    const draw = createStreams(5)('clouds', 0, 0)
    const size = 4
    const rows = Array.from({ length: 400 }, (_, i) =>
      Array.from({ length: size }, (_, d) => (d === i % size ? 3 : 0) + 0.2 * draw.normal()),
    )
    const centroids = sorted(sphericalKMeans(rowsOf(...rows), size, stream()), size)
    for (let d = 0; d < size; d++) {
      expect(Math.max(...centroids.map((centroid) => centroid[d]!))).toBeGreaterThan(0.99)
    }
  })

  it('gives the same bytes for the same stream, and unit vectors', () => {
    const draw = createStreams(6)('clouds', 0, 0)
    const rows = rowsOf(...Array.from({ length: 50 }, () => [draw.normal(), draw.normal(), 1]))
    const once = sphericalKMeans(rows, 5, stream())
    expect(sphericalKMeans(rows, 5, stream())).toEqual(once)
    for (const centroid of sorted(once, 3)) expect(Math.hypot(...centroid)).toBeCloseTo(1, 6)
  })

  it('leaves no centroid without a row of its own where there are enough different rows', () => {
    const rows = rowsOf([1, 0], [1, 0.01], [0, 1], [-1, 0], [0, -1])
    for (const seed of [1, 2, 3, 4, 5]) {
      const centroids = sorted(sphericalKMeans(rows, 5, stream(seed)), 2)
      expect(new Set(centroids.map(String)).size).toBe(5)
    }
  })

  it('copes with rows that all point the same way, and with rows of zeros', () => {
    const same = sphericalKMeans(rowsOf([2, 0], [4, 0], [1, 0]), 2, stream())
    expect([...same]).toEqual([1, 0, 1, 0])
    expect(sphericalKMeans(rowsOf([0, 0], [0, 0]), 2, stream()).every(Number.isFinite)).toBe(true)
  })

  it('refuses more centroids than rows', () => {
    expect(() => sphericalKMeans(rowsOf([1, 0]), 2, stream())).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
  })
})
