import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { drawStrokeDigits } from './stroke-digits.js'

const streams = createStreams(3)
const size = { height: 28, width: 28, channels: 1 }
const draw = (digit: number, index: number, of = size): Float32Array =>
  drawStrokeDigits(digit, of, streams('strokes', index, 0))

describe('stroke digits', () => {
  it('have a peak between 0.75 and 1, and paper around it', () => {
    for (let index = 0; index < 40; index++) {
      const picture = draw(index % 10, index)
      const peak = Math.max(...picture)
      expect(peak).toBeGreaterThanOrEqual(0.74)
      expect(peak).toBeLessThanOrEqual(1)
      expect(picture.filter((value) => value === 0).length).toBeGreaterThan(300)
    }
  })

  it('show the same scene at any size: the shorter side is the unit', () => {
    const small = draw(4, 7, { height: 16, width: 16, channels: 1 })
    const wide = draw(4, 7, { height: 16, width: 24, channels: 1 })
    const middle = Float32Array.from({ length: 256 }, (_, at) => {
      const [row, column] = [Math.floor(at / 16), at % 16]
      return wide[row * 24 + column + 4]!
    })
    middle.forEach((value, at) => expect(value).toBeCloseTo(small[at]!, 5))
  })

  it('have colours of their own where there are channels', () => {
    const picture = draw(8, 2, { height: 16, width: 16, channels: 3 })
    const at = picture.indexOf(Math.max(...picture))
    const pixel = [...picture.subarray(at - (at % 3), at - (at % 3) + 3)]
    expect(new Set(pixel).size).toBe(3)
    expect(Math.min(...pixel)).toBeGreaterThan(0.25)
  })

  it('values are in [0, 1] for every number, size and stream', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        fc.integer({ min: 8, max: 24 }),
        fc.integer({ min: 8, max: 24 }),
        fc.integer({ min: 0, max: 1e6 }),
        (number, height, width, index) => {
          const picture = draw(number, index, { height, width, channels: 1 })
          expect(picture.every((value) => value >= 0 && value <= 1)).toBe(true)
          expect(picture.some((value) => value > 0.2)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })
})
