import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { labelOverlap, labelRecoveryOf, type LabelPair } from './label-recovery.js'

const pair = (inferred: number[], truth: number[]): LabelPair => ({
  inferred: Int32Array.from(inferred),
  truth: Int32Array.from(truth),
})
const uniform = new Float64Array(10).fill(0.1)
const stream = () => createStreams(5)('test', 0, 0)

describe('label recovery', () => {
  it('counts the multiset, in any order', () => {
    expect(labelOverlap(pair([1, 2, 2, 3], [3, 2, 2, 1]))).toBe(1)
    expect(labelOverlap(pair([2, 2, 2, 2], [2, 2, 0, 1]))).toBe(0.5)
    expect(labelOverlap(pair([4], [5]))).toBe(0)
  })

  // Gifd specification §4.3: guesses find so much of so large batches of ten classes.
  it.each([
    [1, 0.1],
    [8, 0.5],
    [16, 0.62],
    [32, 0.72],
  ])('guessing finds much of a batch of %i', (size, expected) => {
    const labels = createStreams(1)('test/labels', 0, 0)
    const batches = Array.from({ length: 25 }, () => {
      const truth = Array.from({ length: size }, () => labels.integer(10))
      return pair(truth, truth)
    })
    const { chance, rate, exact, pValue } = labelRecoveryOf(batches, uniform, stream())
    expect(Math.abs(chance - expected)).toBeLessThan(0.06)
    expect([rate, exact]).toEqual([1, 1])
    expect(pValue).toBeCloseTo(1 / 1001, 9)
  })

  it('guesses are not significant', () => {
    const guesses = createStreams(2)('test/guesses', 0, 0)
    const draw = () => Array.from({ length: 8 }, () => guesses.integer(10))
    const batches = Array.from({ length: 6 }, () => pair(draw(), draw()))
    expect(labelRecoveryOf(batches, uniform, stream()).pValue).toBeGreaterThan(0.05)
  })

  it('classes that public data do not have are never guessed', () => {
    const only = Float64Array.of(1, 0)
    expect(labelRecoveryOf([pair([0, 0], [0, 1])], only, stream())).toMatchObject({
      rate: 0.5,
      chance: 0.5,
      pValue: 1,
    })
  })
})
