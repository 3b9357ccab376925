import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, encodeBundle, float32Of } from '#protocol/bundle.js'
import { parsePretrainOptions, type PretrainOptions } from '#protocol/pretrain-options.js'
import type { Engine } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { takeRows, type Dataset } from '#data/dataset.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { readModelFile } from '#algorithms/model-file.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { CLASSES, tinyDataset } from '#testing/tiny-federation.js'
import { pretrain, type EpochProgress, type Pretraining } from './pretrain.js'
import { PRETRAINED_KEYS } from './pretrained-keys.js'
import { relabelled } from './pretrain-labels.js'

const DOMAINS = ['plain', 'turned'] as const
/** The second domain has its features in the opposite order, so that it can be told from the first. */
function withDomains(dataset: Dataset): Dataset {
  const of = Uint8Array.from({ length: dataset.count }, (_, row) => row % DOMAINS.length)
  const size = dataset.features.length / dataset.count
  const features = dataset.features.slice()
  of.forEach((domain, row) => {
    if (domain === 1) features.subarray(row * size, (row + 1) * size).reverse()
  })
  return { ...dataset, features, domains: { names: DOMAINS, of } }
}
const optionsOf = (input: object = {}): PretrainOptions =>
  unwrap(
    parsePretrainOptions(
      {
        data: { name: 'synthetic' },
        model: { hidden: [6] },
        epochs: 4,
        batchSize: 8,
        seed: 3,
        ...input,
      },
      configCatalogue(),
    ),
  )
const train = tinyDataset(60, 1)
const test = tinyDataset(30, 2)

describe('a pre-training', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await useBackend('cpu')
  })
  const run = (input: object = {}, change: Partial<Pretraining> = {}) =>
    pretrain({ options: optionsOf(input), train, test, engine, ...change })

  it('learns its data, says how well, and leaves a model that can be read', async () => {
    const { bundle, accuracy } = await run({ epochs: 20 })
    expect(accuracy.train).toBeGreaterThan(0.8)
    expect(accuracy.test).toBeGreaterThan(0.7)
    const file = readModelFile(encodeBundle(bundle))
    expect(file.task).toEqual({ inputShape: [4], classes: [...CLASSES] })
    expect(file.model.name).toBe('mlp')
  })

  it('says in its bundle how it was made, without places of the machine', async () => {
    const { bundle, accuracy } = await run({ data: { name: 'csv', path: '/home/a/b.csv' } })
    expect(bundle.meta).toMatchObject({
      model: { name: 'mlp', hidden: [6] },
      pretrained: {
        options: { data: { name: 'csv' }, epochs: 4, seed: 3, labels: 'class' },
        data: { train: { examples: 60 }, test: { examples: 30 } },
        accuracy: { ...accuracy },
        engine: { backend: 'cpu', threads: 1 },
      },
    })
    expect(JSON.stringify(bundle.meta)).not.toContain('/home')
  })

  it('gives the same bytes for the same options, and others for another seed', async () => {
    const hashes = [await run({ keys: 3 }), await run({ keys: 3 }), await run({ keys: 3, seed: 4 })]
    const [once, again, other] = hashes.map(({ bundle }) => bundleHash(bundle))
    expect(again).toBe(once)
    expect(other).not.toBe(once)
  })

  it('follows the schedule from epoch to epoch and tells of each', async () => {
    const told: EpochProgress[] = []
    const frozen = { learningRate: 0.3, schedule: { name: 'exponential', decay: 1e-9 } }
    await run({ optimizer: frozen }, { onEpoch: (progress) => told.push(progress) })
    expect(told.map(({ epoch, epochs }) => [epoch, epochs])).toEqual(
      [1, 2, 3, 4].map((e) => [e, 4]),
    )
    // From the second epoch on, the learning rate is next to nothing.
    expect(told[1]!.loss).toBeLessThan(told[0]!.loss)
    expect(told[3]!.loss).toBeCloseTo(told[1]!.loss, 5)
  })

  it('has no held-out accuracy where nothing is held out', async () => {
    const { accuracy } = await run({ epochs: 1 }, { test: takeRows(test, new Int32Array(0)) })
    expect(accuracy.test).toBeNull()
  })

  it('keeps no tensor', async () => {
    await run({ keys: 2, epochs: 1 })
    const before = tf.memory().numTensors
    await run({ keys: 2, epochs: 1 })
    expect(tf.memory().numTensors).toBe(before)
  })

  it('places keys of the length that drawn keys have', async () => {
    const { bundle } = await run({ keys: 3 })
    const spec = bundle.tensors.find(({ name }) => name === PRETRAINED_KEYS)
    expect(spec).toMatchObject({ shape: [3, 6], dtype: 'float32' })
    const keys = float32Of(bundle, PRETRAINED_KEYS)
    for (let m = 0; m < 3; m++) {
      expect(Math.hypot(...keys.subarray(m * 6, (m + 1) * 6))).toBeCloseTo(0.02 * Math.sqrt(6), 7)
    }
    // Features behind a relu are not negative, so neither are the directions that they share.
    expect(Math.min(...keys)).toBeGreaterThanOrEqual(0)
  })

  it('trains the same params with keys as without', async () => {
    const [plain, keyed] = [await run(), await run({ keys: 2 })]
    for (const { name } of plain.bundle.tensors) {
      expect(float32Of(keyed.bundle, name)).toEqual(float32Of(plain.bundle, name))
    }
  })

  it('refuses more keys than examples', async () => {
    await expect(run({ keys: 61, epochs: 1 })).rejects.toMatchObject({ code: 'config/impossible' })
  })

  it('learns domains, or classes and domains at once', async () => {
    const mixed = { train: withDomains(train), test: withDomains(test) }
    const domains = await run({ labels: 'domain' }, mixed)
    expect(readModelFile(encodeBundle(domains.bundle)).task.classes).toEqual([...DOMAINS])
    const joint = await run({ labels: 'joint' }, mixed)
    expect(readModelFile(encodeBundle(joint.bundle)).task.classes).toEqual([
      ...['ant/plain', 'ant/turned', 'bee/plain', 'bee/turned', 'cat/plain', 'cat/turned'],
    ])
  })
})

describe('labels of a pre-training', () => {
  const mixed = withDomains(tinyDataset(6, 1))

  it('are those of the data, the domains, or class · G + domain', () => {
    expect(relabelled(mixed, 'class')).toBe(mixed)
    expect([...relabelled(mixed, 'domain').labels]).toEqual([0, 1, 0, 1, 0, 1])
    const joint = relabelled(mixed, 'joint')
    expect([...joint.labels]).toEqual([...mixed.labels].map((label, row) => 2 * label + (row % 2)))
    joint.labels.forEach((label, row) =>
      expect(joint.classes[label]).toBe(`${CLASSES[mixed.labels[row]!]}/${DOMAINS[row % 2]}`),
    )
  })

  it.each(['domain', 'joint'] as const)('%s are refused where there are no domains', (labels) => {
    expect(() => relabelled(train, labels)).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
  })
})
