import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { rotate } from './rotate.js'

function rotated(
  values: readonly number[],
  shape: readonly number[],
  degrees: number,
): Float32Array {
  const row = Float32Array.from(values)
  rotate.prepare(degrees, shape)(row, () => {
    throw new FederationError('internal/bug', 'A rotation draws no numbers')
  })
  return row
}

describe('rotate', () => {
  it('turns square images counter-clockwise by quarters, exactly', () => {
    // 1 2 3        3 6 9
    // 4 5 6   ->   2 5 8
    // 7 8 9        1 4 7
    const image = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    expect([...rotated(image, [3, 3, 1], 90)]).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7])
    expect([...rotated(image, [3, 3, 1], 180)]).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect([...rotated(image, [3, 3, 1], 270)]).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3])
    expect([...rotated(image, [3, 3, 1], -90)]).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3])
    expect([...rotated([1, 2, 3, 4], [2, 2, 1], 450)]).toEqual([2, 4, 1, 3])
  })

  it('keeps the channels of a pixel together', () => {
    const image = [1, 10, 2, 20, 3, 30, 4, 40]
    expect([...rotated(image, [2, 2, 2], 90)]).toEqual([2, 20, 4, 40, 1, 10, 3, 30])
  })

  it('is back where it was, bit by bit, after four quarters', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 3))
    const images = sizes.chain(([side, channels]) =>
      fc.record({
        shape: fc.constant([side, side, channels]),
        values: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
          minLength: side * side * channels,
          maxLength: side * side * channels,
        }),
        by: fc.constantFrom(90, -90, 450),
      }),
    )
    fc.assert(
      fc.property(images, ({ shape, values, by }) => {
        let image = Float32Array.from(values)
        for (let turn = 0; turn < 4; turn++)
          image = Float32Array.from(rotated([...image], shape, by))
        // Comparing as numbers: the zero outside makes a -0 a 0.
        image.forEach((value, i) => expect(value === Math.fround(values[i]!)).toBe(true))
      }),
      { numRuns: 50 },
    )
  })

  it('takes the value between pixels at other angles, and 0 from outside', () => {
    // By 45° the pixel right of the centre (dx 1, dy 0) comes from (c, s), c = s = √½: nearness (1 − c)² to the centre,
    // c (1 − c) to each of its two neighbours, c² to the corner.
    const image = [0, 0, 0, 0, 8, 4, 0, 2, 1]
    const c = Math.SQRT1_2
    const right = rotated(image, [3, 3, 1], 45)[5]
    expect(right).toBeCloseTo((1 - c) ** 2 * 8 + c * (1 - c) * (4 + 2) + c ** 2 * 1, 6)
    expect(rotated(image, [3, 3, 1], 45)[4]).toBe(8)
    // A corner comes from (±√2, 0) or (0, ±√2) from the centre: between the middle of a side and what lies outside.
    expect(rotated(image, [3, 3, 1], 45)[8]).toBeCloseTo((2 - Math.SQRT2) * 2, 6)
  })

  it('turns images that are not square by half turns exactly, and cuts them off at quarters', () => {
    expect([...rotated([1, 2, 3, 4, 5, 6], [2, 3, 1], 180)]).toEqual([6, 5, 4, 3, 2, 1])
    // 1 × 3: all that is left of a quarter turn is the middle.
    expect([...rotated([1, 2, 3], [1, 3, 1], 90)]).toEqual([0, 2, 0])
  })

  it('refuses rows that are no images', () => {
    expect(rotate.refusal?.([28, 28, 1])).toBeNull()
    expect(rotate.refusal?.([20])).toMatch(/needs images.*shape \[20\]/)
    expect(rotate.refusal?.([4, 4])).not.toBeNull()
  })
})
