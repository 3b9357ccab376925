import { describe, expect, it } from 'vitest'
import {
  coarseGridFor,
  fitsExactly,
  largestCohort,
  LARGEST_ROSTER,
  meanGridFor,
  meanGridOf,
} from './grid.js'
import { tinyConfig } from '#testing/tiny-federation.js'

describe('the grid of a mean', () => {
  it('takes the most bits for which every legal sum stays below 2^53', () => {
    // 10 · 1000 · 8 = 80,000; 2^53 / 80,000 = 1.126e11 = 2^36.7, so the limit of 30 bits holds.
    expect(meanGridFor({ maxMembers: 10, maxExamples: 1000, maxAbs: 8 })).toEqual({
      bits: 30,
      maxAbs: 8,
    })
    // 2^7 · 2^17 · 2^3 = 2^27: 2^53 / 2^27 = 2^26, and the sum must stay below it.
    expect(meanGridFor({ maxMembers: 128, maxExamples: 131_072, maxAbs: 8 }).bits).toBe(25)
    expect(meanGridFor({ maxMembers: 127, maxExamples: 131_072, maxAbs: 8 }).bits).toBe(26)
  })

  it('refuses limits that leave fewer than 16 bits', () => {
    // 2^14 · 2^20 · 2^3 = 2^37 leaves 2^16 exclusive: 15 bits.
    const tooWide = { maxMembers: 2 ** 14, maxExamples: 2 ** 20, maxAbs: 8 }
    expect(() => meanGridFor(tooWide)).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
    expect(meanGridFor({ ...tooWide, maxMembers: 2 ** 14 - 1 }).bits).toBe(16)
    expect(coarseGridFor(tooWide).bits).toBe(15)
  })

  it('counts the rounding up of a range that is not a multiple of a step', () => {
    // ceil(0.3 · 2^30) is what one element may become.
    expect(fitsExactly({ bits: 30, maxAbs: 0.3 }, 2 ** 24)).toBe(true)
    expect(fitsExactly({ bits: 30, maxAbs: 0.3 }, 2 ** 25)).toBe(false)
  })

  it('is made for the largest cohort a run can have', () => {
    const config = tinyConfig()
    expect(largestCohort({ ...config, cohort: { ...config.cohort, take: { size: 4 } } })).toBe(4)
    const asksForMore = { ...config.cohort, take: { size: 4 }, minReporters: 6 }
    expect(largestCohort({ ...config, cohort: asksForMore })).toBe(6)
    expect(largestCohort(config)).toBe(10)
    expect(largestCohort({ ...config, data: null })).toBe(LARGEST_ROSTER)
    expect(meanGridOf(config)).toEqual({ bits: 30, maxAbs: 64 })
  })
})
