import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { wholeDataset } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import {
  blobPictures,
  labelsAscending,
  labGradient,
  labModel,
  labParams,
  rowsWith,
} from '#testing/label-lab.js'
import { labelOverlap } from '#algorithms/audit/metrics/label-recovery.js'
import { auxiliaryStatistics } from './auxiliary-statistics.js'
import { countEstimates, countRule, labelsOf, roundedTo } from './counts.js'
import { headGradientOf } from './head-gradient.js'
import { biasRule, greedyRule, innerProductRule, minRule } from './rules.js'

const records = blobPictures(300, 1)
const auxiliary = blobPictures(300, 2)
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

let kept: Tensor[] = []
const paramsOf = (model: Model, seed: number): Tensor[] => {
  const params = labParams(model, seed)
  kept.push(...params)
  return params
}
afterEach(() => {
  tf.dispose(kept)
  kept = []
})

describe('label rules', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('A12: the bias rule is right for 200 random models and records, and bias gradients sum to 0', () => {
    for (let i = 0; i < 200; i++) {
      const activation = (['relu', 'softplus', 'gelu'] as const)[i % 3]!
      const model = labModel({ hidden: 12, activation })
      const params = paramsOf(model, i)
      const stream = createStreams(i)('test/record', 0, 0)
      const examples = rowsWith(records, [stream.integer(10)], stream)
      const { bias } = headGradientOf(model, labGradient(model, params, examples).gradient)
      expect(biasRule(bias!)).toEqual({ label: labelsAscending(examples)[0], isCertain: true })
      expect(Math.abs(bias!.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-6)
      tf.dispose(params)
    }
  })

  it('the inner product rule needs no bias and no sign of the features', () => {
    for (let i = 0; i < 40; i++) {
      const model = labModel({ hidden: 12, activation: 'gelu' })
      const examples = rowsWith(records, [i % 10], createStreams(i)('test/record', 0, 0))
      const head = headGradientOf(model, labGradient(model, paramsOf(model, i), examples).gradient)
      expect(innerProductRule(head)).toEqual({ label: i % 10, isCertain: true })
    }
  })

  it('noise makes the bias rule uncertain, and both still name the likeliest label', () => {
    const model = labModel()
    const examples = rowsWith(records, [7], createStreams(0)('test/record', 0, 0))
    const stream = createStreams(1)('test/noise', 0, 0)
    const { gradient } = labGradient(model, paramsOf(model, 3), examples)
    const head = headGradientOf(
      model,
      gradient.map((values) => values.map((value) => value + 0.1 * stream.normal())),
    )
    expect(biasRule(head.bias!)).toEqual({ label: 7, isCertain: false })
    expect(innerProductRule(head).label).toBe(7)
  })

  it('bias gradients that are all positive, which only a defence makes, give the smallest, uncertain', () => {
    expect(biasRule([0.3, 0.1, 0.2])).toEqual({ label: 1, isCertain: false })
  })

  it('A14: counts are exact for any batch where the mean softmax is known', () => {
    const model = labModel()
    const params = paramsOf(model, 11)
    for (const batch of [1, 2, 3, 7, 16, 33, 64]) {
      const stream = createStreams(batch)('test/labels', 0, 0)
      const examples = rowsWith(
        records,
        range(batch).map(() => stream.integer(10)),
        stream,
      )
      const { gradient, meanSoftmax } = labGradient(model, params, examples)
      const { bias } = headGradientOf(model, gradient)
      const counts = roundedTo(countEstimates(bias!, meanSoftmax, batch), batch)
      expect(labelsOf(counts)).toEqual(labelsAscending(examples))
    }
  })

  it('rounding keeps the sum and is nearest', () => {
    expect([...roundedTo([1.4, 0.3, 2.3], 4)]).toEqual([2, 0, 2])
    expect([...roundedTo([-0.4, 0.2, 0.2], 2)]).toEqual([0, 1, 1])
    expect([...roundedTo([0, 0], 3)]).toEqual([2, 1])
  })

  it('a layer whose features are all 0 leaves the bias', () => {
    const model = labModel({ hidden: 6, activation: 'relu' })
    const params = paramsOf(model, 2)
    const dead = [params[0]!, tf.fill(params[1]!.shape, -100), ...params.slice(2)]
    kept.push(dead[1]!)
    const examples = rowsWith(records, [4], createStreams(0)('test/record', 0, 0))
    const head = headGradientOf(model, labGradient(model, dead, examples).gradient)
    expect(head.kernel.every((value) => value === 0)).toBe(true)
    expect(biasRule(head.bias!).label).toBe(4)
  })

  describe('overlap with the true labels, means of 25 models (gifd specification §4.3)', () => {
    /** Batch size, and whether labels repeat. */
    const rows = [
      [1, 'distinct'],
      [4, 'distinct'],
      [8, 'distinct'],
      [8, 'repeated'],
      [16, 'repeated'],
      [32, 'repeated'],
    ] as const
    type Rule = 'min' | 'greedy' | 'count' | 'random'
    const overlaps = async (
      batch: number,
      kind: 'distinct' | 'repeated',
    ): Promise<Record<Rule, number>> => {
      const sums = { min: 0, greedy: 0, count: 0, random: 0 }
      for (let trial = 0; trial < 25; trial++) {
        const model = labModel()
        const params = paramsOf(model, trial)
        const stream = createStreams(trial)('test/labels', batch, 0)
        const drawn =
          kind === 'distinct'
            ? stream.shuffle(range(10)).slice(0, batch)
            : range(batch).map(() => stream.integer(10))
        const examples = rowsWith(records, drawn, stream)
        const head = headGradientOf(model, labGradient(model, params, examples).gradient)
        const statistics = await auxiliaryStatistics(model, params, wholeDataset(auxiliary))
        const truth = labelsAscending(examples)
        const found: Record<Rule, Int32Array> = {
          min: minRule(head, batch),
          greedy: greedyRule(head.bias!, batch),
          count: labelsOf(countRule({ head, batch, auxiliary: statistics, isScaled: false })),
          random: truth.map(() => stream.integer(10)),
        }
        for (const rule of Object.keys(sums) as Rule[]) {
          sums[rule] += labelOverlap({ inferred: found[rule], truth }) / 25
        }
        tf.dispose(params)
      }
      return sums
    }

    it('the rules stand as measured: counts find nearly all, the others less and less', async () => {
      const table = new Map<string, Record<Rule, number>>()
      for (const [batch, kind] of rows) table.set(`${batch} ${kind}`, await overlaps(batch, kind))
      const of = (row: string): Record<Rule, number> => table.get(row)!

      for (const rule of ['min', 'greedy', 'count'] as const) {
        expect(of('1 distinct')[rule]).toBeCloseTo(1, 9)
      }
      for (const found of table.values()) {
        expect(found.count).toBeGreaterThan(0.9)
        for (const rule of ['min', 'greedy', 'random'] as const) {
          expect(found.count).toBeGreaterThanOrEqual(found[rule])
        }
      }
      for (const row of ['4 distinct', '8 distinct']) {
        expect(of(row).min).toBeGreaterThan(of(row).random)
      }
      for (const row of ['8 repeated', '16 repeated', '32 repeated']) {
        expect(of(row).greedy).toBeGreaterThan(of(row).min)
      }
      // A rule that names each class once at most is worse than guessing for large batches.
      expect(of('32 repeated').min).toBeLessThan(of('32 repeated').random)
    })
  })
})
