import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { labelOverlap, labelRecoveryOf, type LabelPair } from './label-recovery.js'

const pair = (inferred: number[], truth: number[]): LabelPair => ({
  inferred: Int32Array.from(inferred),
  truth: Int32Array.from(truth),
})
const uniform = new Float64Array(10).fill(0.1)

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
    const { chance, rate, exact, pValue } = labelRecoveryOf(batches, uniform)
    expect(Math.abs(chance - expected)).toBeLessThan(0.06)
    expect([rate, exact]).toEqual([1, 1])
    expect(pValue).toBeLessThan(1e-9)
  })

  it('guesses are not significant', () => {
    const guesses = createStreams(2)('test/guesses', 0, 0)
    const draw = () => Array.from({ length: 8 }, () => guesses.integer(10))
    const batches = Array.from({ length: 6 }, () => pair(draw(), draw()))
    expect(labelRecoveryOf(batches, uniform).pValue).toBeGreaterThan(0.05)
  })

  it('the test is exact: tails of hits of single records', () => {
    const hits = (right: number, of: number) =>
      labelRecoveryOf(
        Array.from({ length: of }, (_, i) => pair([i < right ? 3 : 4], [3])),
        uniform,
      )
    expect(hits(2, 2)).toMatchObject({ rate: 1, exact: 1 })
    expect(hits(2, 2).pValue).toBeCloseTo(0.01, 12)
    expect(hits(1, 2).pValue).toBeCloseTo(0.19, 12)
    expect(hits(1, 2).leastPValue).toBeCloseTo(0.01, 12)
    expect(hits(2, 2).chance).toBeCloseTo(0.1, 12)
    // Σ C(6, k) 0.1^k 0.9^(6−k) from 3 on.
    expect(hits(3, 6).pValue).toBeCloseTo(0.01585, 5)
    expect(hits(0, 6).pValue).toBe(1)
  })

  it('the test is exact: overlaps of batches are those of all guesses that there are', () => {
    const shares = Float64Array.of(0.2, 0.5, 0.3)
    const batches = [pair([0, 1, 2], [0, 1, 1]), pair([2, 2, 2], [2, 2, 2])]
    const { rate, chance, pValue, leastPValue } = labelRecoveryOf(batches, shares)
    const guesses = [0, 1, 2].flatMap((a) =>
      [0, 1, 2].flatMap((b) => [0, 1, 2].map((c) => [a, b, c])),
    )
    let [mean, tail, all] = [0, 0, 0]
    for (const one of guesses) {
      for (const other of guesses) {
        const likely = [...one, ...other].reduce((product, label) => product * shares[label]!, 1)
        const found =
          3 * labelOverlap(pair(one, [0, 1, 1])) + 3 * labelOverlap(pair(other, [2, 2, 2]))
        mean += (likely * found) / 6
        if (Math.round(found) >= 5) tail += likely
        if (Math.round(found) === 6) all += likely
      }
    }
    expect(rate).toBeCloseTo(5 / 6, 12)
    expect([chance, pValue, leastPValue]).toEqual(
      [mean, tail, all].map((value) => expect.closeTo(value, 12) as number),
    )
  })

  it('the test of a large batch loses nothing to rounding', () => {
    const truth = Array.from({ length: 256 }, (_, i) => i % 10)
    const none = labelRecoveryOf([pair(Array<number>(256).fill(11), truth)], uniform)
    expect([none.rate, none.pValue]).toEqual([0, expect.closeTo(1, 9) as number])
    expect(none.leastPValue).toBeGreaterThan(0)
  })

  it('classes that public data do not have are never guessed', () => {
    const only = Float64Array.of(1, 0)
    expect(labelRecoveryOf([pair([0, 0], [0, 1])], only)).toMatchObject({
      rate: 0.5,
      chance: 0.5,
      pValue: 1,
    })
  })
})
