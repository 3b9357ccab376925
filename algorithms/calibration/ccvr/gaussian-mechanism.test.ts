import { describe, expect, it } from 'vitest'
import { noiseDeviation } from './gaussian-mechanism.js'

describe('the noise of the Gaussian mechanism', () => {
  it('is the classical one up to ε = 1', async () => {
    // sqrt(2 ln 125,000) = 4.8448…
    const deviation = await noiseDeviation({ epsilon: 0.5, delta: 1e-5, sensitivity: 2 })
    expect(deviation).toBeCloseTo((2 * Math.sqrt(2 * Math.log(125_000))) / 0.5, 12)
    expect(await noiseDeviation({ epsilon: 1, delta: 1e-5, sensitivity: 1 })).toBeCloseTo(4.8448, 4)
  })

  // Roots of theorem 8 found with 60 digits.
  it.each([
    [2, 1e-5, Math.sqrt(3), 3.45338445661777],
    [4, 1e-5, 1, 1.08116184952024],
    [5, 0.1, 1, 0.425041576851667],
    [8, 1e-5, Math.sqrt(3), 1.03962724922851],
    [20, 1e-12, 1, 0.404050532636854],
    [100, 1e-6, 1, 0.0978372239744411],
    [1000, 1e-10, 1, 0.025752834505378],
  ])(
    'is the smallest that suffices above (ε %d, δ %d, sensitivity %d)',
    async (epsilon, delta, sensitivity, expected) => {
      const deviation = await noiseDeviation({ epsilon, delta, sensitivity })
      expect(deviation / expected).toBeLessThan(1 + 1e-6)
      // Never less than what the guarantee needs.
      expect(deviation / expected).toBeGreaterThan(1 - 1e-11)
    },
  )

  it('falls with ε, also where the formula changes', async () => {
    const deviations = await Promise.all(
      [0.9, 1, 1.01, 2, 4].map((epsilon) =>
        noiseDeviation({ epsilon, delta: 1e-5, sensitivity: 1 }),
      ),
    )
    expect([...deviations].sort((a, b) => b - a)).toEqual(deviations)
  })
})
