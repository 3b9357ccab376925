import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { modelOf } from '#algorithms/from-config.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { columnNorms, headBias, headVectors, normRatio, pearson } from './head-norms.js'

const mlp = (head: 'linear' | 'normalized') =>
  modelOf(tinyConfig((config) => ({ ...config, model: { name: 'mlp', hidden: [2], head } })))

describe('norms of class vectors', () => {
  it('are the lengths of the columns', () => {
    // [[3, 1, 0], [−4, 2, 0]]
    const norms = columnNorms([3, 1, 0, -4, 2, 0], 3)
    expect(norms).toEqual([5, Math.sqrt(5), 0])
    expect(normRatio(norms)).toBeNull()
    expect(normRatio([5, 2, 4])).toBe(2.5)
    expect(normRatio([5, null])).toBeNull()
  })

  it('are of the last kernel of a model', () => {
    const model = mlp('linear')
    // 4 × 2 + 2 of dense1, then the kernel 2 × 3, then 3 biases.
    const params = Float32Array.from({ length: 19 }, (_, i) => i)
    expect(model.parameterCount).toBe(19)
    expect([...headVectors(model, params)]).toEqual([10, 11, 12, 13, 14, 15])
  })

  it('are 1 where the head makes them so', () => {
    const model = mlp('normalized')
    const params = model.init(createStreams(1)('model', 0, 0))
    for (const norm of columnNorms(headVectors(model, params), 3)) expect(norm).toBeCloseTo(1, 6)
    const zeros = new Float32Array(model.parameterCount)
    expect(columnNorms(headVectors(model, zeros), 3)).toEqual([0, 0, 0])
  })
})

describe('bias of local heads', () => {
  const card = (perClass?: readonly number[]) => ({
    inputShape: [4],
    classes: ['ant', 'bee', 'cat'],
    ...(perClass === undefined ? {} : { counts: { train: 9, test: 0, perClass: [...perClass] } }),
  })

  it("is Pearson's correlation", () => {
    // Offsets (−1, 0, 1) and (−3, −1, 4) with product 7 and squares 2 and 26.
    expect(pearson([1, 2, 3], [5, 7, 12])).toBeCloseTo(7 / Math.sqrt(52), 12)
    expect(pearson([1, 2, 3], [-5, -10, -15])).toBe(-1)
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNull()
  })

  it('is the mean over clients that tell their counts', () => {
    const roster = [
      { slot: 0, card: card([5, 7, 12]) },
      { slot: 2, card: card() },
      { slot: 3, card: card([4, 2, 0]) },
      { slot: 7, card: card([1, 1, 1]) },
    ]
    const headNorms = [
      [1, 2, 3],
      [2, 1, 1],
      [1, 2, 3],
      [1, 2, 4],
    ]
    const bias = headBias({ slots: [0, 2, 3, 7], headNorms }, roster)
    expect(bias.counts).toEqual([[5, 7, 12], null, [4, 2, 0], [1, 1, 1]])
    expect(bias.correlations).toEqual([expect.closeTo(7 / Math.sqrt(52), 12), null, -1, null])
    expect(bias.meanCorrelation).toBeCloseTo((7 / Math.sqrt(52) - 1) / 2, 12)
    expect(bias.ratios).toEqual([3, 2, 3, 4])
    expect(headBias({ slots: [2], headNorms: [[1, 2, 3]] }, roster).meanCorrelation).toBeNull()
  })
})
