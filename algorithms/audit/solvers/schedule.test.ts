import { describe, expect, it } from 'vitest'
import { stepDecay, warmUpCosine } from './schedule.js'

describe('schedules', () => {
  it('A6: warm up from 0, stay, and fall as a cosine to 0', () => {
    expect(warmUpCosine(0, 1000)).toBe(0)
    expect(warmUpCosine(25, 1000)).toBeCloseTo(0.5, 12)
    expect(warmUpCosine(50, 1000)).toBeCloseTo(1, 12)
    expect(warmUpCosine(250, 1000)).toBeCloseTo(1, 12)
    expect(warmUpCosine(625, 1000)).toBeCloseTo(0.5, 12)
    expect(warmUpCosine(1000, 1000)).toBe(0)
  })

  it('A6: never exceed the base rate', () => {
    for (const steps of [1, 7, 150]) {
      for (let k = 0; k < steps; k++) {
        for (const schedule of [warmUpCosine, stepDecay]) {
          expect(schedule(k, steps)).toBeLessThanOrEqual(1)
          expect(schedule(k, steps)).toBeGreaterThanOrEqual(0)
        }
      }
    }
  })

  it('fall to a tenth at 3/8, 5/8 and 7/8', () => {
    const rates = [0, 2, 3, 4, 5, 6, 7].map((k) => stepDecay(k, 8))
    const expected = [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001]
    rates.forEach((rate, i) => expect(rate).toBeCloseTo(expected[i]!, 12))
  })
})
