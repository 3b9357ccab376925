import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { modelOf } from '#algorithms/from-config.js'
import { labConfig } from '#testing/audit-target-lab.js'
import { estimatedDeviation, noiseFloor, nonZeros, roundingEnergy } from './noise.js'

const model = modelOf(labConfig({ model: { name: 'gap' } }))
const normalized = modelOf(labConfig({ model: { name: 'gap', head: 'normalized' } }))

/** A gradient whose last layer sums to 0 over the classes, with noise on everything. */
function noisy(deviation: number, seed: number): readonly Float32Array[] {
  const stream = createStreams(seed)('noise-test', 0, 0)
  return model.params.map(({ shape }) => {
    const size = shape.reduce((all, one) => all * one, 1)
    const clean = Float32Array.from({ length: size }, () => stream.normal())
    for (let row = 0; row < size; row += model.classes) {
      const mean = clean.subarray(row, row + model.classes).reduce((a, b) => a + b, 0)
      for (let c = 0; c < model.classes; c++) clean[row + c]! -= mean / model.classes
    }
    return clean.map((value) => value + deviation * stream.normal())
  })
}

describe('the noise of an update', () => {
  it('is found in what the last layer sums to over the classes', () => {
    // 13 rows: the estimate scatters by 1 / √26, a fifth.
    for (const deviation of [0.01, 0.3]) {
      const found = [1, 2, 3, 4].map((seed) => estimatedDeviation(model, noisy(deviation, seed))!)
      for (const value of found) {
        expect(value / deviation).toBeGreaterThan(0.5)
        expect(value / deviation).toBeLessThan(1.6)
      }
    }
    expect(estimatedDeviation(model, noisy(0, 1))).toBeLessThan(1e-6)
  })

  it('is by hand √(mean of squared sums / classes)', () => {
    const gradient = model.params.map(
      ({ shape }) => new Float32Array(shape.reduce((all, one) => all * one, 1)),
    )
    // One of 13 rows sums to 2: √(4 / 13 / 4).
    gradient.at(-1)!.set([1, 1, 0, 0])
    expect(estimatedDeviation(model, gradient)).toBeCloseTo(Math.sqrt(1 / 13), 6)
  })

  it('cannot be found behind a normalized head', () => {
    expect(estimatedDeviation(normalized, [])).toBeNull()
  })

  it('leaves a matching loss at the true records', () => {
    // Gifd specification §10.2: 850 numbers, σ = 0.01, ‖g‖ = 5.7: 1.3e-3. σ = 0.1: 0.13 (0.14 by the formula).
    expect(noiseFloor(850 * 0.01 ** 2, 5.7)).toBeCloseTo(1.31e-3, 5)
    expect(noiseFloor(850 * 0.1 ** 2, 5.7)).toBeCloseTo(0.1407, 3)
  })

  it('that is all there is leaves the distance of what has nothing in common', () => {
    expect(noiseFloor(4, 1)).toBe(1)
    expect(noiseFloor(4, 0)).toBe(1)
  })

  it('of rounding is a twelfth of a squared step for each number', () => {
    // 3 bits: 3 levels on either side, steps of 2 and of 1.
    const parts = [Float32Array.of(6, -4, 0, 2), Float32Array.of(-3, 1)]
    expect(roundingEnergy(parts, 3)).toBeCloseTo((4 * 4 + 2 * 1) / 12, 6)
  })

  it('counts over all tensors', () => {
    const parts = [Float32Array.of(3, 0), Float32Array.of(-4, 0, -0)]
    expect(nonZeros(parts)).toBe(2)
  })
})
