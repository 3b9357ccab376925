import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { dirichletProportions, logGamma } from './gamma.js'

describe('logGamma', () => {
  it.each([0.3, 1, 2.5, 20])('has mean and variance %s', (shape) => {
    const stream = createStreams(1)('test', 0, 0)
    const values = Array.from({ length: 40_000 }, () => Math.exp(logGamma(stream, shape)))
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    // Six standard errors of the mean; the variance's own error is larger by its kurtosis.
    expect(Math.abs(mean - shape)).toBeLessThan(6 * Math.sqrt(shape / values.length))
    expect(Math.abs(variance / shape - 1)).toBeLessThan(0.15)
  })
})

describe('dirichletProportions', () => {
  it.each([1e-6, 0.1, 1, 1e5])('sums to one, without NaN, for alpha %s', (alpha) => {
    const shares = dirichletProportions(createStreams(2)('test', 0, 0), alpha, 50)
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  })
})
