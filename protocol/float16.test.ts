import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromFloat16, toFloat16 } from './float16.js'

const bitsOf = (value: number): number => toFloat16(Float32Array.of(value))[0]!
const valueOf = (bits: number): number => fromFloat16(Uint16Array.of(bits))[0]!

describe('half floats', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [1.5, 0x3e00],
    // 1 + 1/1024: the last fraction bit.
    [1 + 2 ** -10, 0x3c01],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    // Below the smallest normal: multiples of 2^-24.
    [2 ** -24, 0x0001],
    [-3 * 2 ** -24, 0x8003],
    [1023 * 2 ** -24, 0x03ff],
    [Infinity, 0x7c00],
    [-Infinity, 0xfc00],
  ])('hold %d as 0x%s', (value, bits) => {
    expect(bitsOf(value)).toBe(bits)
    expect(valueOf(bits)).toBe(value)
  })
  it.each([
    // Halves near 1 are 2^-10 apart; ties go to the even last bit.
    ['a tie down to even', 1 + 2 ** -11, 0x3c00],
    ['a tie up to even', 1 + 3 * 2 ** -11, 0x3c02],
    ['a little above the tie', 1 + 2 ** -11 + 2 ** -20, 0x3c01],
    ['a carry into the exponent', 2 - 2 ** -12, 0x4000],
    ['the last value below infinity', 65519, 0x7bff],
    ['the first value that is infinity', 65520, 0x7c00],
    ['a negative overflow', -1e9, 0xfc00],
    ['half of the smallest, to even zero', 2 ** -25, 0x0000],
    ['a little more than half of the smallest', 2 ** -25 * 1.001, 0x0001],
    ['a subnormal tie, to even', 1.5 * 2 ** -24, 0x0002],
    ['a subnormal that becomes normal', 1023.75 * 2 ** -24, 0x0400],
  ])('round %s', (_what, value, bits) => {
    expect(bitsOf(value)).toBe(bits)
  })
  it('keep NaN, with one bit pattern', () => {
    expect(bitsOf(NaN)).toBe(0x7e00)
    expect(valueOf(0x7c01)).toBeNaN()
    expect(valueOf(0xffff)).toBeNaN()
  })
  it('give all 65,536 bit patterns back, every NaN as one', () => {
    const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits)
    const back = toFloat16(fromFloat16(patterns))
    for (const bits of patterns) {
      const isNaNPattern = (bits & 0x7fff) > 0x7c00
      // The sign of a NaN is up to the machine.
      const [got, expected] = isNaNPattern ? [back[bits]! & 0x7fff, 0x7e00] : [back[bits], bits]
      if (got !== expected) expect([bits, got]).toEqual([bits, expected])
    }
  })
  it('are the nearest of all halves', () => {
    const finite = fromFloat16(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits))
    const anyValue = fc.float({ min: 0, max: 65504, noNaN: true })
    fc.assert(
      fc.property(anyValue, (value) => {
        const bits = bitsOf(value)
        const error = Math.abs(valueOf(bits) - value)
        for (const other of [bits - 1, bits + 1]) {
          if (other >= 0 && other < 0x7c00) {
            expect(error).toBeLessThanOrEqual(Math.abs(finite[other]! - value))
          }
        }
      }),
      { seed: 5, numRuns: 1000 },
    )
  })
})
