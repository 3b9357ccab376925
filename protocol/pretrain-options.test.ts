import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parsePretrainOptions } from './pretrain-options.js'
import { unwrap } from './result.js'
import type { ConfigCatalogue } from './run-config.js'

const catalogue: ConfigCatalogue = {
  models: {
    mlp: z.strictObject({ hidden: z.array(z.int().min(1)).default([200, 200]) }),
    logistic: z.strictObject({}),
  },
  methods: { fedavg: z.strictObject({}) },
  calibrations: { ccvr: z.strictObject({}) },
  serverOptimizers: { sgd: z.strictObject({}) },
  clientOptimizers: {
    sgd: z.strictObject({}),
    adam: z.strictObject({ beta1: z.number().default(0.9) }),
  },
  samplers: { uniform: z.strictObject({}) },
  aggregators: { mean: z.strictObject({}) },
  updateTransforms: { clip: z.strictObject({ norm: z.number().positive().default(1) }) },
}
const DATA = { name: 'fashion-mnist' }
const good = (input: object = {}) =>
  unwrap(parsePretrainOptions({ data: DATA, ...input }, catalogue))
function refusal(input: unknown): string {
  const result = parsePretrainOptions(input, catalogue)
  return result.ok ? 'accepted' : `${result.error.code}\n${result.error.message}`
}

describe('the options of a pre-training', () => {
  it('hold every default', () => {
    expect(good()).toEqual({
      data: DATA,
      model: { name: 'mlp', hidden: [200, 200] },
      labels: 'class',
      epochs: 10,
      batchSize: 64,
      optimizer: {
        name: 'sgd',
        learningRate: 0.05,
        momentum: 0.9,
        weightDecay: 0,
        schedule: { name: 'constant' },
        gradientClip: null,
      },
      keys: null,
      seed: 0,
      compute: { backend: 'auto', threads: 1 },
    })
  })

  it('are accepted again once they are complete', () => {
    const complete = good({ keys: 8, optimizer: { name: 'adam', learningRate: 0.001 } })
    expect(good(complete)).toEqual(complete)
    expect(complete.optimizer).toMatchObject({ name: 'adam', beta1: 0.9, momentum: 0 })
  })

  it('take options without a name for those of the default choice', () => {
    const { model, optimizer } = good({ model: { hidden: [8] }, optimizer: { learningRate: 0.2 } })
    expect(model).toEqual({ name: 'mlp', hidden: [8] })
    expect(optimizer).toMatchObject({ name: 'sgd', learningRate: 0.2, momentum: 0.9 })
  })

  it.each([
    ['no data', {}, 'config/invalid\ndata is missing'],
    ['another key', { data: DATA, epoch: 3 }, 'epoch: unknown key, with the value 3; did you mean'],
    ['a name that is none', { data: DATA, model: { name: 'mpl' } }, 'config/unknown-name\nmodel'],
    ['no epoch', { data: DATA, epochs: 0 }, 'epochs: expected ≥ 1, got 0'],
    ['a list', [], 'config/invalid\nExpected the options'],
    ['a prototype', JSON.parse('{"__proto__":{"data":1}}'), 'forbidden key'],
  ])('are refused with %s', (_what, input, message) => {
    expect(refusal(input)).toContain(message)
  })
})
