import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { baselineOf, gainsOf, gainSummary } from './results.js'
import { bootstrapInterval, quantile, spreadOf } from './spread.js'

const stream = (seed = 7) => createStreams(seed)('test', 0, 0)

describe('summaries over records', () => {
  it('median, 90th percentile, largest', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, p90: 3.7, max: 4, values: [4, 1, 3, 2] })
    expect(spreadOf([5])).toEqual({ median: 5, p90: 5, max: 5, values: [5] })
    expect(quantile([3, 1, 2], 0)).toBe(1)
  })

  it('the bootstrap interval of a mean is as wide as its standard error says, and the same for the same stream', () => {
    const random = stream(1)
    const values = Array.from({ length: 200 }, () => 3 + random.normal())
    const mean = values.reduce((sum, value) => sum + value, 0) / 200
    const [low, high] = bootstrapInterval(values, stream())
    expect(low).toBeGreaterThan(mean - 0.18)
    expect(low).toBeLessThan(mean - 0.1)
    expect(high).toBeGreaterThan(mean + 0.1)
    expect(high).toBeLessThan(mean + 0.18)
    expect(bootstrapInterval(values, stream())).toEqual([low, high])
  })

  it('one record has no spread', () => {
    expect(bootstrapInterval([2], stream())).toEqual([2, 2])
  })

  it('the baseline is the one control that is best on average, never the placebo', () => {
    const controls = [
      { name: 'class-mean', psnr: [10, 12, 14] },
      { name: 'random-same-class', psnr: [15, 9, 9] },
      { name: 'placebo', psnr: [30, 30, 30] },
    ] as const
    const baseline = baselineOf(controls)
    expect(baseline).toEqual([10, 12, 14])
    const gains = gainsOf([11, 15, 13], baseline)
    expect(gains).toEqual([1, 3, -1])
    expect(gainSummary(gains)).toEqual({ mean: 1, median: 1, max: 3 })
  })
})
