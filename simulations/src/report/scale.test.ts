import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes } from './numbers.js'
import { axisRange, scaleFor } from './scale.js'

describe('an axis', () => {
  it.each<[number, number, { min: number; max: number; interval: number }]>([
    [0.12, 0.87, { min: 0, max: 1, interval: 0.2 }],
    [84.1, 97.3, { min: 80, max: 100, interval: 5 }],
    [0.5249, 2.43, { min: 0.5, max: 2.5, interval: 0.5 }],
    [0, 0, { min: 0, max: 0.25, interval: 0.25 }],
    [100, 100, { min: 75, max: 100, interval: 25 }],
    [-3, 5, { min: -4, max: 6, interval: 2 }],
  ])('from %d to %d ends at round numbers', (low, high, range) => {
    expect(axisRange(low, high)).toEqual(range)
  })
  it('holds all values, and no percentage beyond 100', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), fc.nat(10_000), (one, share) => {
        const low = (one * share) / 10_000
        const { min, max, interval } = axisRange(low, one)
        expect(min).toBeLessThanOrEqual(low + 1e-9)
        expect(max).toBeGreaterThanOrEqual(one - 1e-9)
        expect(max).toBeLessThanOrEqual(100)
        expect((max - min) / interval).toBeLessThanOrEqual(7)
      }),
    )
  })
})

describe('numbers', () => {
  it('have their unit', () => {
    expect(scaleFor('share', 1)).toMatchObject({ factor: 100, suffix: ' %' })
    expect(scaleFor('bytes', 32_600_000)).toMatchObject({ factor: 1e-6, suffix: ' MB' })
    expect([0.0123456, 1.5, 12_345.6].map(scaleFor('number', 0).text)).toEqual([
      '0.01235',
      '1.5',
      '12346',
    ])
  })
  it('of bytes change unit at thousands', () => {
    expect([0, 999, 1000, 12_345, 1e6, 2.5e9, 7e15].map(bytes)).toEqual([
      ...['0 B', '999 B', '1.00 kB', '12.3 kB', '1.00 MB', '2.50 GB', '7000.0 TB'],
    ])
    // A mean.
    expect(bytes(207.5)).toBe('207.5 B')
  })
})
