import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { BITMAP_SIDE, drawBitmapDigit } from './bitmap-digits.js'

/** In the order in which they are drawn; 0.5 is the middle of a range: no turn, no stretch, no shear, no move, ink 0.8. */
interface Drawn {
  readonly turn?: number
  readonly sx?: number
  readonly sy?: number
  readonly shear?: number
  readonly tx?: number
  readonly ty?: number
  readonly ink?: number
}
function scripted(drawn: Drawn, normals: readonly number[] = []): Stream {
  const { turn = 0.5, sx = 0.5, sy = 0.5, shear = 0.5, tx = 0.5, ty = 0.5, ink = 0.5 } = drawn
  const [uniforms, noise] = [[turn, sx, sy, shear, tx, ty, ink], [...normals]]
  return {
    ...{ uint32: () => 0, integer: () => 0, shuffle: (values) => values },
    uniform: () => uniforms.shift() ?? 0.5,
    normal: () => noise.shift() ?? 0,
  }
}
const pixel = (image: Float32Array, row: number, column: number): number =>
  image[row * BITMAP_SIDE + column]!

describe('a digit of dots', () => {
  it('is its glyph, 1.3 pixels a column and 1.25 a row, linear between the dots', () => {
    const one = drawBitmapDigit(1, scripted({}))
    expect(one).toHaveLength(144)
    // x = y = −0.5: column 2 − 0.5/1.3 = 1.6154 between a gap and the stem.
    expect(pixel(one, 5, 5)).toBeCloseTo(0.8 * 0.61538, 5)
    // y = 4.5: row 3 + 3.6 = 6.6, past the foot by 0.6; x = −2.5: column 0.0769, the foot begins at column 1.
    expect(pixel(one, 10, 3)).toBeCloseTo(0.8 * 0.4 * 0.07692, 5)
    // y = −5.5: row −1.4, outside.
    expect([...one.subarray(0, 12)].every((value) => value === 0)).toBe(true)
  })

  it('is turned by up to 0.2', () => {
    const five = drawBitmapDigit(5, scripted({ turn: 1 }))
    // x = 2.5, y = −3.5: y' = −3.5 cos 0.2 − 2.5 sin 0.2 = −3.92691, row −0.14153 above the bar of the 5.
    expect(pixel(five, 2, 8)).toBeCloseTo(0.8 * (1 - 0.14153), 4)
  })

  it('is stretched, sheared and moved', () => {
    // The 7 has its bar alone in row 0: y = −3.5 · … row = 3 − 3.5 / (1.25 · 1.15) = 0.56522.
    expect(pixel(drawBitmapDigit(7, scripted({ sy: 1 })), 2, 5)).toBeCloseTo(0.8 * 0.43478, 4)
    // The bar ends at column 4: x = 3.5, column 2 + 3.5 / (1.3 · 0.85) = 5.16742 is outside, and not at scale 1.
    const narrow = drawBitmapDigit(7, scripted({ sx: 0 }))
    expect(pixel(narrow, 2, 9)).toBe(0)
    expect(pixel(drawBitmapDigit(7, scripted({})), 2, 9)).toBeGreaterThan(0.1)
    // x' = −0.5 + 0.15 · −0.5 = −0.575: column 1.55769 of the stem of the 1.
    const leaning = drawBitmapDigit(1, scripted({ shear: 1 }))
    expect(pixel(leaning, 5, 5)).toBeCloseTo(0.8 * 0.55769, 4)
    const [still, moved] = [drawBitmapDigit(3, scripted({})), scripted({ tx: 1, ty: 0 })]
    const three = drawBitmapDigit(3, moved)
    for (let row = 0; row < 11; row++)
      for (let column = 1; column < 12; column++)
        expect(pixel(three, row, column)).toBeCloseTo(pixel(still, row + 1, column - 1), 6)
  })

  it('has ink between 0.6 and 1', () => {
    // Next to the stem of the 1, as above.
    const inks = [0, 1].map((ink) => pixel(drawBitmapDigit(1, scripted({ ink })), 5, 5) / 0.61538)
    expect(inks).toEqual([expect.closeTo(0.6, 4), expect.closeTo(1, 4)])
  })

  it('has noise of standard deviation 0.3', () => {
    expect(pixel(drawBitmapDigit(0, scripted({}, [10])), 0, 0)).toBeCloseTo(3, 6)
    // The corner is outside of every glyph, however it is turned and moved.
    const streams = createStreams(3)
    const corners = Array.from({ length: 3000 }, (_, i) =>
      pixel(drawBitmapDigit(i % 10, streams('digit', i, 0)), 0, 0),
    )
    const variance = corners.reduce((sum, value) => sum + value * value, 0) / corners.length
    // Standard error 0.09 · √(2 / 3000) ≈ 0.0023.
    expect(Math.abs(variance - 0.09)).toBeLessThan(0.01)
  })

  it('differs from digit to digit', () => {
    const images = Array.from({ length: 10 }, (_, digit) => drawBitmapDigit(digit, scripted({})))
    expect(new Set(images.map(String)).size).toBe(10)
  })
})
