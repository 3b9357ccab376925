import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { l1Norm, projectL1, projectRows, relativeBalls } from './l1-ball.js'

const stream = createStreams(2)('test/l1', 0, 0)
const random = (size: number): Float32Array =>
  Float32Array.from({ length: size }, () => stream.normal())

/** By bisection on what every entry shrinks by. */
function bisected(values: Float32Array, radius: number): Float64Array {
  const shrunk = (by: number): Float64Array =>
    Float64Array.from(values, (value) => Math.sign(value) * Math.max(Math.abs(value) - by, 0))
  let [low, high] = [0, values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)]
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2
    if (l1Norm(shrunk(middle)) > radius) low = middle
    else high = middle
  }
  return shrunk(high)
}

describe('the l1 ball', () => {
  it('A5: knows its examples', () => {
    expect([...projectL1([3, 1], 2)]).toEqual([2, 0])
    expect([...projectL1([1, 1], 1)]).toEqual([0.5, 0.5])
    expect([...projectL1([-3, 1, 0], 3)]).toEqual([-2.5, 0.5, 0])
    expect([...projectL1([3, 1], 1e-30)]).toEqual([0, 0])
  })

  it('A5: is never left, keeps signs, and projecting twice is projecting once', () => {
    for (let trial = 0; trial < 200; trial++) {
      const values = random(1 + stream.integer(40))
      const radius = 0.01 + 3 * stream.uniform()
      const projected = projectL1(values, radius)
      expect(l1Norm(projected)).toBeLessThanOrEqual(radius * (1 + 1e-6))
      projected.forEach((value, i) => expect(value * values[i]!).toBeGreaterThanOrEqual(0))
      projectL1(projected, radius).forEach((value, i) => {
        expect(value).toBeCloseTo(projected[i]!, 12)
      })
    }
  })

  it('A5: leaves what is inside as it is', () => {
    const values = random(30)
    expect(projectL1(values, l1Norm(values) + 1e-9)).toEqual(Float64Array.from(values))
  })

  it('A5: finds the nearest point, as a bisection does', () => {
    for (let trial = 0; trial < 100; trial++) {
      const values = random(2 + stream.integer(60))
      const radius = 0.1 + 2 * stream.uniform()
      const expected = bisected(values, radius)
      projectL1(values, radius).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 8))
    }
  })

  it('A5: of radius 0 or less is no constraint', () => {
    expect([...projectL1([3, -1], 0)]).toEqual([3, -1])
    expect([...projectL1([3, -1], -1)]).toEqual([3, -1])
  })

  it('A5: is one for each row, around its center, as large as the row', () => {
    const centers = Float32Array.from([1, 1, 0, 10, 0, 0])
    const balls = relativeBalls(centers, 2, 0.5)
    expect(balls.radii).toEqual([1, 5])
    // The first row moved by (3, 1, 0), twice as far as it may; the second by 2.
    const moved = [4, 2, 0, 10, 2, 0]
    expect([...projectRows(moved, balls)]).toEqual([2, 1, 0, 10, 2, 0])
    expect([...projectRows(moved, relativeBalls(centers, 2, null))]).toEqual(moved)
  })
})
