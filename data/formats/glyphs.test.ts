import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { drawGlyph, glyphPrototype, GLYPH_SIDE } from './glyphs.js'

const stream = (index: number): Stream => createStreams(5)('glyph', index, 0)
const at = (row: number, column: number): number => row * GLYPH_SIDE + column

/** A stream that gives the listed numbers, one kind after the other. */
const scripted = (numbers: {
  readonly normals: readonly number[]
  readonly integers?: readonly number[]
  readonly uniform?: number
}): Stream => {
  const normals = [...numbers.normals]
  const integers = [...(numbers.integers ?? [])]
  return {
    ...{ uint32: () => 0, shuffle: (values) => values, uniform: () => numbers.uniform ?? 0 },
    normal: () => normals.shift() ?? 0,
    integer: () => integers.shift() ?? 0,
  }
}

describe('the prototype of a glyph', () => {
  it('is one bright pixel smoothed by 1 4 6 4 1 along both axes, around the edges', () => {
    // White noise that is 16² at the corner and 0 elsewhere smooths to the products of the weights about that corner.
    const weights = [1, 4, 6, 4, 1]
    const smoothed = new Float64Array(144)
    for (let i = 0; i < 5; i++)
      for (let j = 0; j < 5; j++)
        smoothed[at((i + 10) % 12, (j + 10) % 12)] = weights[i]! * weights[j]!
    // Σ = 16² = 256 and Σ of squares = 70² = 4900 over 144 pixels.
    const mean = 256 / 144
    const deviation = Math.sqrt(4900 / 144 - mean ** 2)
    const prototype = glyphPrototype(scripted({ normals: [256] }))
    prototype.forEach((value, pixel) => {
      expect(value).toBeCloseTo(Math.tanh((1.5 * (smoothed[pixel]! - mean)) / deviation), 12)
    })
  })

  it('differs from class to class and not from call to call', () => {
    expect(glyphPrototype(stream(1))).toEqual(glyphPrototype(stream(1)))
    expect(glyphPrototype(stream(1))).not.toEqual(glyphPrototype(stream(2)))
  })
})

describe('an example of a glyph', () => {
  const prototype = Float64Array.from({ length: 144 }, (_, pixel) => pixel)

  it('is the prototype moved around the edges, times a gain, plus noise', () => {
    // Down by 1, left by 1; gain 0.7 + 0.6 × 0.5 = 1; noise 0.8 × 10 on the first pixel alone.
    const glyph = drawGlyph(prototype, scripted({ normals: [10], integers: [2, 0], uniform: 0.5 }))
    expect(glyph[at(0, 0)]).toBe(prototype[at(11, 1)]! + 8)
    expect(glyph[at(0, 11)]).toBe(prototype[at(11, 0)])
    expect(glyph[at(5, 5)]).toBe(prototype[at(4, 6)])
    const weak = drawGlyph(prototype, scripted({ normals: [], integers: [1, 1], uniform: 0 }))
    expect(weak[at(5, 5)]).toBeCloseTo(0.7 * prototype[at(5, 5)]!, 5)
  })

  it('has noise of standard deviation 0.8', () => {
    const zero = new Float64Array(144)
    const values = Array.from({ length: 200 }, (_, i) => [...drawGlyph(zero, stream(i))]).flat()
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length
    // 28,800 numbers: the standard error of the variance is 0.64 × √(2 / 28,800) ≈ 0.0053.
    expect(Math.abs(variance - 0.64)).toBeLessThan(0.02)
  })
})
