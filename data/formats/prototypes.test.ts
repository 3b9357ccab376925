import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { drawFromPrototypes, drawPrototype, PROTOTYPE_SIDE } from './prototypes.js'

const stream = (index: number): Stream => createStreams(5)('prototype', index, 0)
const at = (row: number, column: number): number => row * PROTOTYPE_SIDE + column

/** A stream that gives the listed numbers, one kind after the other, then zeros. */
const scripted = (numbers: {
  readonly normals?: readonly number[]
  readonly integers?: readonly number[]
  readonly uniform?: number
}): Stream => {
  const [normals, integers] = [[...(numbers.normals ?? [])], [...(numbers.integers ?? [])]]
  return {
    ...{ uint32: () => 0, shuffle: (values) => values, uniform: () => numbers.uniform ?? 0 },
    normal: () => normals.shift() ?? 0,
    integer: () => integers.shift() ?? 0,
  }
}

describe('a prototype', () => {
  it('is one bright pixel smoothed twice with its four neighbours, around the edges, of deviation 1', () => {
    // 25 at a corner: after one pass 5 on the plus about it, after two the number of ways to walk there in two steps of
    // "stay or go to a neighbour": 5 back home, 2 to a neighbour, 2 to a diagonal one, 1 two away.
    const ways = new Float64Array(100)
    const wrap = (place: number): number => (place + 10) % 10
    for (let down = -2; down <= 2; down++)
      for (let right = -2; right <= 2; right++) {
        const distance = Math.abs(down) + Math.abs(right)
        const count = [5, 2, down === 0 || right === 0 ? 1 : 2][distance] ?? 0
        ways[at(wrap(down), wrap(right))] = count
      }
    // Σ = 25, Σ of squares = 25 + 4 · 4 + 4 · 4 + 4 · 1 = 61, over 100 pixels.
    const deviation = Math.sqrt(61 / 100 - 0.25 ** 2)
    drawPrototype(scripted({ normals: [25] })).forEach((value, pixel) => {
      expect(value).toBeCloseTo(ways[pixel]! / deviation, 12)
    })
  })

  it('differs from stream to stream and not from call to call', () => {
    expect(drawPrototype(stream(1))).toEqual(drawPrototype(stream(1)))
    expect(drawPrototype(stream(1))).not.toEqual(drawPrototype(stream(2)))
  })
})

describe('an example of a class with prototypes', () => {
  const [first, second] = [0, 1000].map((from) =>
    Float64Array.from({ length: 100 }, (_, pixel) => from + pixel),
  ) as [Float64Array, Float64Array]

  it('is one of them moved around the edges, times a gain, plus noise', () => {
    // The second mode, down by 1, left by 1; gain 0.7 + 0.6 × 0.5 = 1; noise 0.8 × 10 on the first pixel alone.
    const numbers = { normals: [10], integers: [1, 2, 0], uniform: 0.5 }
    const example = drawFromPrototypes([first, second], scripted(numbers))
    expect(example[at(0, 0)]).toBe(second[at(9, 1)]! + 8)
    expect(example[at(0, 9)]).toBe(second[at(9, 0)])
    expect(example[at(5, 5)]).toBe(second[at(4, 6)])
    const weak = drawFromPrototypes([first], scripted({ integers: [0, 1, 1] }))
    expect(weak[at(5, 5)]).toBeCloseTo(0.7 * first[at(5, 5)]!, 4)
  })

  it('comes from every mode alike, with every move alike', () => {
    const spots = Array.from({ length: 2 }, (_, mode) => {
      const spot = new Float64Array(100)
      spot[at(5, 5)] = mode === 0 ? 1000 : -1000
      return spot
    })
    const seen = new Map<string, number>()
    for (let i = 0; i < 3600; i++) {
      const example = drawFromPrototypes(spots, stream(i))
      const pixel = example.findIndex((value) => Math.abs(value) > 500)
      const place = `${Math.sign(example[pixel]!)} ${pixel}`
      seen.set(place, (seen.get(place) ?? 0) + 1)
    }
    // 18 kinds of 200 expected: a standard deviation of 14.
    expect(seen.size).toBe(18)
    for (const count of seen.values()) expect(Math.abs(count - 200)).toBeLessThan(60)
  })

  it('has noise of standard deviation 0.8', () => {
    const zero = new Float64Array(100)
    const values = Array.from({ length: 300 }, (_, i) => [
      ...drawFromPrototypes([zero], stream(i)),
    ]).flat()
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length
    // 30,000 numbers: the standard error of the variance is 0.64 × √(2 / 30,000) ≈ 0.0052.
    expect(Math.abs(variance - 0.64)).toBeLessThan(0.02)
  })
})
