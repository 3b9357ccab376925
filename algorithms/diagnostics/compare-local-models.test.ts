import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import { wholeDataset, type Dataset } from '#data/dataset.js'
import { modelOf } from '#algorithms/from-config.js'
import type { Model } from '#algorithms/models/model.js'
import { withFeaturePower } from '#algorithms/models/feature-power.js'
import { paramsBundle, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { compareLocalModels, MOST_COMPARED, type LocalModel } from './compare-local-models.js'
import { linearCka } from './cka.js'
import { describeModel } from './describe-model.js'
import { geometryOfFeatures } from './geometry.js'
import { columnNorms, headVectors } from './head-norms.js'
import { layersOf } from './layers.js'

const CLASSES = ['a', 'b', 'c']
function digits(count: number): Dataset {
  const stream = createStreams(1)('digits', 0, 0)
  return {
    ...{ name: 'digits', inputShape: [12, 12, 1], classes: CLASSES, count },
    features: Float32Array.from({ length: count * 144 }, () => stream.normal()),
    labels: Int32Array.from({ length: count }, () => stream.integer(3)),
  }
}
const modelNamed = (model: RunConfig['model']): Model =>
  modelOf({ model, task: { inputShape: [12, 12, 1], classes: CLASSES } })
const lenet = modelNamed({ name: 'lenet', filters: [2, 3], hidden: [7, 5] })
const drawn = (model: Model, slot: number): LocalModel => ({
  slot,
  params: model.init(createStreams(2)('model', 0, slot)),
})
async function* oneByOne(models: readonly LocalModel[], walks?: { count: number }) {
  if (walks !== undefined) walks.count += 1
  for (const model of models) yield model
}
const compared = (model: Model, models: readonly LocalModel[], count = 40) =>
  compareLocalModels(
    { model, slots: models.map(({ slot }) => slot), read: () => oneByOne(models) },
    wholeDataset(digits(count)),
  )

describe('local models beside each other', () => {
  beforeAll(async () => void (await useBackend('wasm')))

  it('are compared at every block that has params, by name', () => {
    expect(layersOf(lenet).map(({ name, width }) => [name, width])).toEqual([
      ['conv1', 288],
      ['conv2', 12],
      ['dense1', 7],
      ['dense2', 5],
      ['head', 3],
    ])
    const mlp = modelNamed({ name: 'mlp', hidden: [6], head: 'normalized' })
    expect(layersOf(mlp).map(({ name }) => name)).toEqual(['dense1', 'head'])
  })

  it('I24: identical local models give matrices of ones at every layer', async () => {
    const models = [0, 1, 4].map((slot) => ({ ...drawn(lenet, 0), slot }))
    const { layers, slots } = await compared(lenet, models)
    expect(slots).toEqual([0, 1, 4])
    const ones = [1, 1, 1]
    for (const { cka, ckaDebiased, pairs } of layers) {
      expect(pairs).toEqual([ones, ones, ones])
      expect(cka).toBe(1)
      expect(ckaDebiased).toBeCloseTo(1, 12)
    }
  })

  // 150 examples: more than one batch.
  it('are as alike as their activations are in float64', async () => {
    const models = [2, 5, 6].map((slot) => drawn(lenet, slot))
    const { layers, probe } = await compared(lenet, models, 150)
    expect(probe).toBe(150)
    const source = digits(150)
    for (const [i, { block }] of layersOf(lenet).entries()) {
      const activations = models.map(({ params }) => {
        const output = tf.tidy(() =>
          lenet.forward(
            toTensors(lenet, params),
            tf.tensor(source.features, [150, 12, 12, 1], 'float32'),
            { to: block + 1 },
          ),
        )
        const values = output.dataSync() as Float32Array
        output.dispose()
        return { values, examples: 150 }
      })
      const expected = [
        [0, 1],
        [0, 2],
        [1, 2],
      ].map(([a, b]) => linearCka(activations[a!]!, activations[b!]!))
      const { pairs, cka, ckaDebiased } = layers[i]!
      expect(pairs![0]![1]).toBeCloseTo(expected[0]!.cka, 5)
      expect(pairs![2]![0]).toBeCloseTo(expected[1]!.cka, 5)
      expect(pairs![1]![2]).toBeCloseTo(expected[2]!.cka, 5)
      expect(pairs![1]![1]).toBe(1)
      expect(cka).toBeCloseTo(expected.reduce((sum, one) => sum + one.cka, 0) / 3, 5)
      expect(ckaDebiased).toBeCloseTo(expected.reduce((sum, one) => sum + one.debiased, 0) / 3, 5)
    }
  })

  it('are compared by what varies, where activations lie far from 0', async () => {
    const mlp = modelNamed({ name: 'mlp', hidden: [9] })
    const models = [0, 1].map((slot) => {
      const { params } = drawn(mlp, slot)
      // The biases of dense1: activations of some 3000 that vary by about 1.
      params.fill(3000, 144 * 9, 144 * 9 + 9)
      return { slot, params }
    })
    const { source } = wholeDataset(digits(40))
    const [a, b] = models.map(({ params }) => {
      const values = Float64Array.from({ length: 40 * 9 }, (_, at) => {
        const [row, unit] = [Math.floor(at / 9), at % 9]
        let sum = 0
        for (let i = 0; i < 144; i++) sum += source.features[row * 144 + i]! * params[i * 9 + unit]!
        return sum
      })
      return { values, examples: 40 }
    })
    const { layers } = await compared(mlp, models)
    expect(layers[0]!.cka).toBeCloseTo(linearCka(a!, b!).cka, 4)
  })

  it('are undefined where one says the same of every example, and that one does not count in means', async () => {
    const [one, other] = [drawn(lenet, 0), drawn(lenet, 1)]
    const dead = { slot: 2, params: new Float32Array(lenet.parameterCount).fill(-1) }
    const { layers } = await compared(lenet, [one, other, dead])
    const [{ pairs, cka }] = layers.slice(-1) as [(typeof layers)[number]]
    expect(pairs![2]).toEqual([null, null, null])
    expect(pairs![0]![0]).toBe(1)
    expect(cka).toBeCloseTo(pairs![0]![1]!, 5)
    const alone = await compared(lenet, [one])
    expect(alone.layers[0]).toMatchObject({ cka: null, ckaDebiased: null, pairs: [[1]] })
  })

  it('tell the norms of their heads by slot', async () => {
    const models = [3, 8].map((slot) => drawn(lenet, slot))
    const { headNorms } = await compared(lenet, models)
    expect(headNorms).toEqual(
      models.map(({ params }) => columnNorms(headVectors(lenet, params), 3)),
    )
    const diverged = { slot: 0, params: new Float32Array(lenet.parameterCount).fill(1e38) }
    const { layers, headNorms: norms } = await compared(lenet, [diverged, drawn(lenet, 1)])
    expect(layers.at(-1)).toMatchObject({ cka: null })
    expect(norms[0]).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)])
  })

  it('are the first of many, and none after them is read', async () => {
    const mlp = modelNamed({ name: 'logistic' })
    const models = Array.from({ length: MOST_COMPARED + 3 }, (_, i) => drawn(mlp, 2 * i))
    let read = 0
    const counting = async function* () {
      for (const model of models) {
        read += 1
        yield model
      }
    }
    const slots = models.map(({ slot }) => slot)
    const probe = wholeDataset(digits(8))
    const local = await compareLocalModels({ model: mlp, slots, read: counting }, probe)
    expect(local.slots).toEqual(slots.slice(0, MOST_COMPARED))
    expect(local.layers[0]!.pairs).toHaveLength(MOST_COMPARED)
    expect(local.headNorms).toHaveLength(MOST_COMPARED)
    expect(read).toBe(MOST_COMPARED)
  })

  it('are walked again where Gram matrices of all layers would take too much, with the same result', async () => {
    const mlp = modelNamed({ name: 'mlp', hidden: [4, 3] })
    const models = [0, 1].map((slot) => drawn(mlp, slot))
    const walks = { count: 0 }
    const local = (walkBytes?: number) =>
      compareLocalModels(
        { model: mlp, slots: [0, 1], read: () => oneByOne(models, walks) },
        wholeDataset(digits(10)),
        walkBytes,
      )
    const once = await local()
    expect(walks.count).toBe(1)
    // Two models' Gram matrices of one layer: 2 · 10² / 2 elements of 4 bytes.
    expect(await local(400)).toEqual(once)
    expect(walks.count).toBe(1 + 3)
    expect(await local(800)).toEqual(once)
    expect(walks.count).toBe(1 + 3 + 2)
  })

  it('leave no tensors behind', async () => {
    const before = tf.memory().numTensors
    await compared(lenet, [drawn(lenet, 0), drawn(lenet, 1)], 150)
    const released = paramsBundle(lenet, drawn(lenet, 0).params)
    await describeModel(lenet, withFeaturePower(released, 0.5), wholeDataset(digits(150)))
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('a model by itself', () => {
  it.each([
    ['as they are', null],
    ['to a power that stands before the head', 0.5],
  ])('is described by its head and by the features that enter it, %s', async (_, power) => {
    const source = digits(150)
    const { params } = drawn(lenet, 9)
    const plain = paramsBundle(lenet, params)
    const released = power === null ? plain : withFeaturePower(plain, power)
    const described = await describeModel(lenet, released, wholeDataset(source))
    const features = tf.tidy(() =>
      lenet.forward(
        toTensors(lenet, params),
        tf.tensor(source.features, [150, 12, 12, 1], 'float32'),
        { to: lenet.blocks.length - 1 },
      ),
    )
    const values = (features.dataSync() as Float32Array).map((value) => value ** (power ?? 1))
    features.dispose()
    const head = headVectors(lenet, params)
    expect(described.headNorms).toEqual(columnNorms(head, 3))
    const expected = await geometryOfFeatures({ values, labels: source.labels }, head)
    expect(Object.keys(described.geometry)).toEqual(Object.keys(expected))
    for (const [key, value] of Object.entries(expected)) {
      const told = described.geometry[key as keyof typeof expected]
      if (typeof value === 'number') expect(told, key).toBeCloseTo(value, 4)
      else expect(told, key).toEqual(value)
    }
  })
})
