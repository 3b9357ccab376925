import { describe, expect, it } from 'vitest'
import type { Dataset } from '#data/dataset.js'
import { parseShift } from './shift.js'
import { shiftRows } from './shift-rows.js'

/** Three rows of two values. */
const three = (): Dataset => ({
  ...{ name: 'three', inputShape: [2], classes: ['a', 'b'], count: 3 },
  features: Float32Array.of(0.25, 0.5, 1, 2, 3, 4),
  labels: Int32Array.of(0, 1, 0),
})
const origins = {
  rows: Int32Array.of(7, 9, 4),
  of: Uint8Array.of(1, 0, 2),
  split: 'train',
} as const

describe('shiftRows', () => {
  it('does the steps of its domain to each row, and says which domain that is', () => {
    const shift = parseShift('mixed:none,scale=2+offset=1,invert')
    const { features, labels, domains } = shiftRows(three(), shift, origins)
    // Row 0 is in domain 1: 2x + 1. Row 1 stays. Row 2 is inverted.
    expect([...features]).toEqual([1.5, 2, 1, 2, -2, -3])
    expect([...labels]).toEqual([0, 1, 0])
    expect(domains).toEqual({ names: ['none', 'scale=2+offset=1', 'invert'], of: origins.of })
  })

  it('draws the noise of a row from its number in the source, wherever it stands', () => {
    const shift = parseShift('mixed:noise=1:seed=2')
    const of = new Uint8Array(3)
    const noiseAt = (rows: readonly number[], split: 'train' | 'test' = 'train') => {
      const zero = { ...three(), features: new Float32Array(6) }
      const { features } = shiftRows(zero, shift, { rows: Int32Array.from(rows), of, split })
      return [0, 2, 4].map((at) => [...features.subarray(at, at + 2)])
    }
    const [a, b, c] = noiseAt([7, 9, 4])
    expect(noiseAt([4, 7, 9])).toEqual([c, a, b])
    expect(new Set([a, b, c].map(String)).size).toBe(3)
    expect(noiseAt([7, 9, 4], 'test')[0]).not.toEqual(a)
  })

  it('draws anew for every step', () => {
    const zero = { ...three(), features: new Float32Array(6) }
    const shift = parseShift('mixed:noise=1+scale=-1+noise=1')
    const { features } = shiftRows(zero, shift, { ...origins, of: new Uint8Array(3) })
    // Equal numbers in both steps would cancel.
    expect(features.every((value) => value !== 0)).toBe(true)
  })

  it('refuses steps that the rows do not bear', () => {
    const shift = parseShift('mixed:none,rotate=90,invert')
    expect(() => shiftRows(three(), shift, origins)).toThrow(/rotate needs images/)
  })
})
