import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { uniform } from './uniform.js'

const AVAILABLE = [2, 3, 5, 7, 11, 13]
const stream = (round: number) => createStreams(5)('cohort', round, 0)

describe('uniform sampling', () => {
  it('takes as many distinct available members as asked, in slot order', () => {
    for (let size = 0; size <= AVAILABLE.length; size++) {
      const cohort = uniform.sample(AVAILABLE, size, stream(size))
      expect(cohort).toHaveLength(size)
      expect(new Set(cohort).size).toBe(size)
      expect(cohort.every((slot) => AVAILABLE.includes(slot))).toBe(true)
      expect(cohort).toEqual(cohort.toSorted((a, b) => a - b))
    }
  })

  it('takes everyone when asked for more than there are, and leaves its input alone', () => {
    const available = [...AVAILABLE]
    expect(uniform.sample(available, 99, stream(1))).toEqual(AVAILABLE)
    expect(available).toEqual(AVAILABLE)
  })

  it('depends on the stream only', () => {
    expect(uniform.sample(AVAILABLE, 3, stream(4))).toEqual(uniform.sample(AVAILABLE, 3, stream(4)))
    const cohorts = Array.from({ length: 20 }, (_, round) =>
      uniform.sample(AVAILABLE, 3, stream(round)).join(),
    )
    expect(new Set(cohorts).size).toBeGreaterThan(5)
  })

  it('takes every member equally often', () => {
    // 3000 rounds of 2 of 6: 1000 each; the standard deviation is sqrt(3000 · 1/3 · 2/3) = 26.
    const taken = new Map(AVAILABLE.map((slot) => [slot, 0]))
    for (let round = 0; round < 3000; round++) {
      for (const slot of uniform.sample(AVAILABLE, 2, stream(round)))
        taken.set(slot, taken.get(slot)! + 1)
    }
    for (const count of taken.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 26)
  })
})
