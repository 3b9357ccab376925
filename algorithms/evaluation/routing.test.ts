import { beforeAll, describe, expect, it } from 'vitest'
import type { Dataset, Examples } from '#data/dataset.js'
import { tf } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { Predictor } from '#algorithms/methods/method.js'
import { effectiveEntries, mutualInformation, routingMetrics } from './routing.js'

const counts = (...rows: number[][]): Float64Array[] => rows.map((row) => Float64Array.from(row))

describe('mutual information of domain and entry', () => {
  it('is the entropy of the domains where each has an entry of its own', () => {
    // Shares 1/4 and 3/4.
    const entropy = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75))
    expect(mutualInformation(counts([0, 2, 0], [6, 0, 0]))).toBeCloseTo(entropy, 12)
    expect(mutualInformation(counts([5, 0], [0, 5]))).toBeCloseTo(Math.log(2), 12)
  })

  it('is nothing where all domains take the same entries, and never below', () => {
    expect(mutualInformation(counts([1, 2, 3], [10, 20, 30]))).toBeCloseTo(0, 12)
    expect(mutualInformation(counts([1, 2, 3], [10, 20, 30]))).toBeGreaterThanOrEqual(0)
    expect(mutualInformation(counts([7, 0]))).toBe(0)
    expect(mutualInformation([])).toBe(0)
  })

  it('is Σ p log(p / (p p)) in nats, by hand', () => {
    // Of 8: p = (3/8, 1/8; 1/8, 3/8), all sums 1/2: 6/8 log(3/2) + 2/8 log(1/2).
    const expected = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5)
    expect(mutualInformation(counts([3, 1], [1, 3]))).toBeCloseTo(expected, 12)
  })
})

describe('effective entries', () => {
  it('is the exponential of the entropy of the shares', () => {
    expect(effectiveEntries([1, 0, 0])).toBe(1)
    expect(effectiveEntries([0.25, 0.25, 0.25, 0.25, 0])).toBeCloseTo(4, 12)
    // exp(−3/4 ln 3/4 − 1/4 ln 1/4) = 4 / 3^(3/4)
    expect(effectiveEntries([0.75, 0.25])).toBeCloseTo(4 / 3 ** 0.75, 12)
  })
})

describe('routing metrics', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  /** The feature is the entry that the input takes. */
  const route: Predictor = (x) => tf.oneHot(tf.cast(tf.reshape(x, [-1]), 'int32'), 3)
  const source: Dataset = {
    ...{ name: 'test', inputShape: [1], classes: ['a'], count: 9 },
    // The last row is of a domain that the examples below do not have.
    features: Float32Array.of(0, 0, 0, 1, 0, 1, 1, 1, 2),
    labels: new Int32Array(9),
    domains: { names: ['x', 'y', 'z'], of: Uint8Array.of(0, 0, 0, 0, 2, 2, 2, 2, 1) },
  }
  const rows = (...indices: number[]): Examples => ({ source, indices: Int32Array.from(indices) })

  it('count the entries of every domain that occurs', async () => {
    const metrics = await routingMetrics({ route }, rows(0, 1, 2, 3, 4, 5, 6, 7))
    const expected = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5)
    expect(Object.keys(metrics)).toEqual(['routing/mutualInformation'])
    expect(metrics['routing/mutualInformation']).toBeCloseTo(expected, 12)
    const three = await routingMetrics({ route }, rows(0, 1, 2, 5, 6, 7, 8, 8, 8))
    expect(three['routing/mutualInformation']).toBeCloseTo(Math.log(3), 12)
  })

  it('go through all batches and leave no tensor', async () => {
    const before = tf.memory().numTensors
    const many = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 0 : 7))
    const metrics = await routingMetrics({ route }, rows(...many))
    expect(metrics['routing/mutualInformation']).toBeCloseTo(Math.log(2), 12)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('are none without choices, domains or examples', async () => {
    const { domains: _domains, ...bare } = source
    expect(await routingMetrics({}, rows(0, 1))).toEqual({})
    expect(await routingMetrics({ route }, { ...rows(0, 1), source: bare })).toEqual({})
    expect(await routingMetrics({ route }, rows())).toEqual({})
  })
})
