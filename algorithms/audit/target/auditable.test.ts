import { beforeAll, describe, expect, it } from 'vitest'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Model } from '#algorithms/models/model.js'
import { modelOf } from '#algorithms/from-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { labConfig } from '#testing/audit-target-lab.js'
import { assertAuditable, auditabilityOf, modelAuditability, settingsReasons } from './auditable.js'

beforeAll(() => useBackend('cpu'))

/** `flat` with another step before its head. */
function withStep(step: (x: Tensor) => Tensor): Model {
  const model = modelOf(labConfig({ model: { name: 'flat' } }))
  return {
    ...model,
    name: 'custom',
    forward(params, x) {
      const features = model.forward(params, x, { to: model.blocks.length - 1 })
      return model.forward(params, step(features), { from: model.blocks.length - 1 })
    },
  }
}

describe('what can be audited', () => {
  it.each([
    { name: 'gap' },
    { name: 'flat', activation: 'relu' },
    { name: 'mlp', hidden: [4] },
    { name: 'mlp', hidden: [4], head: 'normalized', closingNorm: true },
    { name: 'lenet', kernelSize: 3 },
    { name: 'logistic' },
    { name: 'vit', patchSize: 4, width: 8, depth: 1, heads: 2 },
  ])('the model %j', async (model) => {
    expect(await auditabilityOf(labConfig({ model }))).toEqual({ reasons: [], remarks: [] })
  })

  it('models with max pooling, with a remark', async () => {
    const cnn = { name: 'cnn', filters: [2], kernelSize: 3, hidden: 4 }
    const { reasons, remarks } = await auditabilityOf(labConfig({ model: cnn }))
    expect(reasons).toEqual([])
    expect(remarks.join()).toMatch(/max pooling.*hold the places of the maxima constant/)
  })

  it('no model with an op that has no exact second derivative: it is named', async () => {
    const sorted = withStep((x) => tf.topk(x, x.shape[1]).values)
    const { reasons } = await modelAuditability(sorted)
    expect(reasons.join()).toMatch(/custom uses ops without an exact second derivative: TopK/)
  })

  it('no model with an op whose rule does not hold for what it does', async () => {
    const overlapping = withStep((x) => {
      const image = tf.reshape<tf.Rank.R4>(x, [-1, 8, 6, 1])
      return tf.reshape(tf.maxPool(image, 3, 1, 'same'), x.shape)
    })
    const { reasons } = await modelAuditability(overlapping)
    expect(reasons.join()).toMatch(/custom: .*windows do not overlap/)
  })

  it('no method whose clients do more than local training, and none of which nothing leaves', async () => {
    const refused: string[] = []
    for (const method of CATALOGUE.methods) {
      const { name } = method
      const { reasons } = await auditabilityOf(labConfig({ method: { name } }))
      expect(reasons.length > 0).toBe(method.plainTraining === undefined)
      if (reasons.length > 0) refused.push(name)
    }
    expect(refused.toSorted()).toEqual(['fedd2s', 'fedins', 'fedper', 'local-only'])
  })

  it('methods whose later updates tell more, with a remark', async () => {
    const scaffold = await auditabilityOf(labConfig({ method: { name: 'scaffold' } }))
    expect(scaffold.remarks.join()).toMatch(/variate/)
    const moon = await auditabilityOf(labConfig({ method: { name: 'moon' } }))
    expect(moon.remarks.join()).toMatch(/first update/)
  })

  it('no optimizer whose steps are no multiples of gradients', async () => {
    const adam = labConfig({ optimizer: { name: 'adam' } })
    const problem = await assertAuditable(adam, {
      ...{ records: 1, clients: 1, approximation: 'unrolled' },
    }).catch((error: unknown) => error)
    expect(problem).toMatchObject({ code: 'audit/not-auditable' })
    expect(String(problem)).toMatch(/adam is no multiple of a gradient/)
  })

  it('tells every reason at once', async () => {
    const both = labConfig({ optimizer: { name: 'adam' }, method: { name: 'fedper' } })
    const { reasons } = await auditabilityOf(both)
    expect(reasons).toHaveLength(2)
    // These need no model, so that who makes a run is told at once.
    expect(settingsReasons(both)).toEqual(reasons)
    expect(settingsReasons(labConfig())).toEqual([])
  })

  it('no records but pictures of height, width, and channels: told without computing', async () => {
    for (const inputShape of [[4], [8, 8], [2, 8, 8, 1]]) {
      const config = labConfig({ model: { name: 'mlp', hidden: [4] }, shape: inputShape })
      const reasons = settingsReasons(config)
      expect(reasons.join()).toMatch(/records of shape .*; .*\[height, width, channels\]/)
      const refusal = assertAuditable(config, {
        ...{ records: 1, clients: 1, approximation: 'unrolled' },
      })
      await expect(refusal).rejects.toMatchObject({ code: 'audit/not-auditable' })
    }
    expect(settingsReasons(labConfig({ shape: [8, 6, 3] }))).toEqual([])
  })

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors
    await auditabilityOf(labConfig())
    await modelAuditability(withStep((x) => tf.topk(x, x.shape[1]).values))
    expect(tf.memory().numTensors).toBe(before)
  })
})
