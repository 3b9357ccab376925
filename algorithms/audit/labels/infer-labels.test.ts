import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { wholeDataset, type Examples } from '#data/dataset.js'
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
import { auxiliaryStatistics, type AuxiliaryStatistics } from './auxiliary-statistics.js'
import { inferLabels, type LabelEvidence } from './infer-labels.js'

const records = blobPictures(300, 1)
const auxiliary = blobPictures(300, 2)

let kept: Tensor[] = []
afterEach(() => {
  tf.dispose(kept)
  kept = []
})

interface Scene {
  readonly examples: Examples
  readonly truth: Int32Array
  readonly evidence: LabelEvidence & { readonly auxiliary: AuxiliaryStatistics }
}
async function scene(model: Model, batch: number, seed: number): Promise<Scene> {
  const params = labParams(model, seed)
  kept.push(...params)
  const stream = createStreams(seed)('test/labels', batch, 0)
  const labels = Array.from({ length: batch }, () => stream.integer(10))
  const examples = rowsWith(records, labels, stream)
  const { gradient } = labGradient(model, params, examples)
  return {
    examples,
    truth: labelsAscending(examples),
    evidence: {
      ...{ model, batch, observed: gradient },
      auxiliary: await auxiliaryStatistics(model, params, wholeDataset(auxiliary)),
    },
  }
}
/** Mean overlap over 10 models. */
async function overlap(
  model: Model,
  batch: number,
  change: (evidence: Scene['evidence']) => LabelEvidence = (evidence) => evidence,
): Promise<number> {
  let sum = 0
  for (let seed = 0; seed < 10; seed++) {
    const { truth, evidence } = await scene(model, batch, seed)
    sum += labelOverlap({ truth, inferred: inferLabels(change(evidence)).labels }) / 10
  }
  return sum
}
/** The same of a last layer that has no bias. */
const withoutBias = ({ model, ...evidence }: Scene['evidence']): LabelEvidence => ({
  ...evidence,
  model: {
    ...model,
    blocks: model.blocks.map((block, i, all) =>
      i < all.length - 1 ? block : { ...block, params: block.params.slice(0, 1) },
    ),
  },
  observed: evidence.observed.slice(0, -1),
})
/** As clipping leaves it. */
const scaled =
  (factor: number) =>
  (evidence: Scene['evidence']): LabelEvidence => ({
    ...evidence,
    observed: evidence.observed.map((values) => values.map((value) => factor * value)),
    isScaled: true,
  })

describe('inferred labels', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('one record: by the bias, certain', async () => {
    const { truth, evidence } = await scene(labModel(), 1, 3)
    expect(inferLabels(evidence)).toEqual({
      ...{ labels: truth, rule: 'bias', isCertain: true, others: [] },
    })
  })

  it('one record, no bias: by inner products, which a head of unit columns makes uncertain', async () => {
    const { truth, evidence } = await scene(labModel({ head: 'normalized' }), 1, 3)
    expect(inferLabels(evidence)).toEqual({
      labels: truth,
      rule: 'inner-product',
      ...{ isCertain: false, others: [] },
    })
  })

  it('one record whose bias gradient was pruned away: by inner products', async () => {
    const { truth, evidence } = await scene(labModel(), 1, 5)
    const observed = evidence.observed.map((values, i, all) =>
      i === all.length - 1 ? new Float32Array(values.length) : values,
    )
    expect(inferLabels({ ...evidence, observed })).toEqual({
      labels: truth,
      rule: 'inner-product',
      ...{ isCertain: true, others: [] },
    })
  })

  it('a batch: by counts, ascending whatever the order of the records', async () => {
    const { evidence } = await scene(labModel(), 16, 4)
    const { labels, rule, isCertain } = inferLabels(evidence)
    expect(rule).toBe('counts')
    expect(isCertain).toBe(false)
    expect([...labels]).toEqual([...labels].sort((a, b) => a - b))
    expect(labels).toHaveLength(16)
    expect(await overlap(labModel(), 16)).toBeGreaterThan(0.9)
  })

  it('a batch: compared with the greedy rule, and with minima where no feature is negative', async () => {
    const { truth, evidence } = await scene(labModel(), 8, 4)
    const { others } = inferLabels(evidence)
    expect(others.map(({ rule }) => rule)).toEqual(['greedy', 'minimum'])
    for (const { labels } of others) {
      expect(labelOverlap({ truth, inferred: labels })).toBeGreaterThan(0.3)
    }
    const signed = await scene(labModel({ activation: 'gelu' }), 8, 4)
    expect(inferLabels(signed.evidence).others.map(({ rule }) => rule)).toEqual(['greedy'])
    const unbiased = inferLabels(withoutBias(evidence)).others
    expect(unbiased).toEqual(others.filter(({ rule }) => rule === 'minimum'))
  })

  it('a batch without a bias: by counts of column sums', async () => {
    const { evidence } = await scene(labModel(), 16, 1)
    expect(inferLabels(withoutBias(evidence)).rule).toBe('column-counts')
    expect(await overlap(labModel(), 16, withoutBias)).toBeGreaterThan(0.85)
  })

  it('a batch without a bias whose features may cancel: as often as in public data, for nothing tells', async () => {
    const { evidence } = await scene(labModel({ activation: 'gelu' }), 4, 1)
    const labelShares = Float64Array.from({ length: 10 }, (_, c) => [0, 0.7, 0.3][c] ?? 0)
    const auxiliary = { ...evidence.auxiliary, labelShares }
    expect(inferLabels(withoutBias({ ...evidence, auxiliary }))).toEqual({
      labels: Int32Array.of(1, 1, 1, 2),
      ...{ rule: 'public-shares', isCertain: false, others: [] },
    })
  })

  it('clipping, whose factor is unknown, costs little', async () => {
    for (const factor of [0.5, 0.1, 0.01]) {
      expect(await overlap(labModel(), 4, scaled(factor))).toBeGreaterThan(0.85)
      expect(await overlap(labModel(), 8, scaled(factor))).toBeGreaterThan(0.75)
    }
  })

  it('a head of unit columns still gives more than guesses', async () => {
    expect(await overlap(labModel({ head: 'normalized' }), 4)).toBeGreaterThan(0.35)
  })

  it('an update that says nothing gives as many labels as there are records', async () => {
    const model = labModel()
    const { auxiliary } = (await scene(model, 1, 1)).evidence
    const observed = model.params.map(
      ({ shape }) => new Float32Array(shape.reduce((all, one) => all * one, 1)),
    )
    for (const batch of [1, 4, 12]) {
      expect(inferLabels({ model, observed, batch, auxiliary }).labels).toHaveLength(batch)
    }
  })
})
