import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import type { OptimizerConfig, TrainingConfig } from '#protocol/run-config.js'
import type { Model } from '#algorithms/models/model.js'
import { MODELS } from '#algorithms/models/zoo.js'
import { evaluate, metricsOf, modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { blobs, examplesFrom } from '#testing/examples.js'
import { batchOf } from './batch.js'
import { trainLocally, type LocalTraining } from './train.js'

const optimizer: OptimizerConfig = {
  name: 'sgd',
  learningRate: 0.2,
  momentum: 0,
  weightDecay: 0,
  schedule: { name: 'constant' },
  gradientClip: null,
}
const training: TrainingConfig = { localEpochs: 1, batchSize: 2, optimizer }
const streams = createStreams(5)

function build(name: string, inputShape: readonly number[], options: object = {}): Model {
  const entry = MODELS.find((one) => one.name === name)!
  return entry.build({ inputShape, classes: ['a', 'b'] }, entry.options.parse(options))
}
const logistic = build('logistic', [2])
const two = examplesFrom({
  rows: [
    [1, 2],
    [3, -1],
  ],
  labels: [0, 1],
  inputShape: [2],
  classes: ['a', 'b'],
})
// kernel zero, bias (ln 3, 0): both examples start at probabilities (0.75, 0.25).
const start = Float32Array.from([0, 0, 0, 0, Math.log(3), 0])
const byHand: LocalTraining = {
  model: logistic,
  start,
  examples: two,
  training,
  streams,
  round: 1,
  rounds: 1,
  slot: 0,
}

function expectParams(params: Float32Array, expected: readonly number[]): void {
  expect(params).toHaveLength(expected.length)
  expected.forEach((value, i) => expect(params[i]).toBeCloseTo(value, 5))
}

describe.each(['cpu', 'wasm'] as const)('local training on %s', (backend) => {
  beforeAll(() => useBackend(backend))

  it('takes the step that the derivation gives', async () => {
    // dz = (p − y)/2: (−0.125, 0.125) for x = (1, 2), (0.375, −0.375) for x = (3, −1). First column of dW = Σ x dz:
    // 1 · −0.125 + 3 · 0.375 = 1 and 2 · −0.125 − 1 · 0.375 = −0.625; db = 0.25; the second column is the opposite.
    // Times −0.2: kernel ((−0.2, 0.2), (0.125, −0.125)), bias (ln 3 − 0.05, 0.05). Loss: −(ln 0.75 + ln 0.25)/2.
    const result = await trainLocally(byHand)
    expectParams(result.params, [-0.2, 0.2, 0.125, -0.125, Math.log(3) - 0.05, 0.05])
    expect(result.steps).toBe(1)
    expect(result.loss).toBeCloseTo(0.8369882, 6)
  })

  it('hands the method the raw gradients, then clips, then decays', async () => {
    // The method halves the gradient above to (0.5, −0.5, −0.3125, 0.3125, 0.125, −0.125), norm² = 0.7265625; clipping at
    // 0.1 scales it by 0.1/0.8523864 = 0.1173177 to ±0.0586589, ∓0.0366618, ±0.0146647; decay 0.01 adds 0.0109861 to the first bias.
    const scaled = {
      ...training,
      optimizer: { ...optimizer, weightDecay: 0.01, gradientClip: 0.1 },
    }
    const seen: number[] = []
    const result = await trainLocally({
      ...byHand,
      training: scaled,
      adjustGradients: (gradients, params) => {
        seen.push(...gradients[0]!.dataSync(), ...params[1]!.dataSync())
        return gradients.map((gradient) => tf.mul(gradient, 0.5))
      },
    })
    expectParams(Float32Array.from(seen), [1, -1, -0.625, 0.625, Math.log(3), 0])
    expectParams(result.params, [
      -0.0117318,
      0.0117318,
      0.0073324,
      -0.0073324,
      1.0986123 - 0.2 * 0.0256508,
      0.0029329,
    ])
  })

  it('decays weights alone where the optimizer says so', async () => {
    // One step from w with gradient g ends at w − 0.2 (g + 0.1 w): 0.98 of the kernel goes on, all of the bias.
    const from = Float32Array.from([1, -1, 2, -2, Math.log(3), 0])
    const after = async (change: Partial<OptimizerConfig>) => {
      const changed = { ...training, optimizer: { ...optimizer, ...change } }
      return (await trainLocally({ ...byHand, start: from, training: changed })).params
    }
    const plain = await after({})
    const moved = await after({ weightDecay: 0.1, decay: 'weights' })
    expectParams(
      moved.map((value, i) => value - plain[i]!),
      [-0.02, 0.02, -0.04, 0.04, 0, 0],
    )
    expect(await after({ weightDecay: 0.1, decay: 'all' })).toEqual(
      await after({ weightDecay: 0.1 }),
    )
  })

  it('uses the round’s learning rate', async () => {
    const halved = {
      ...training,
      optimizer: { ...optimizer, schedule: { name: 'exponential', decay: 0.5 } as const },
    }
    const result = await trainLocally({ ...byHand, training: halved, round: 2 })
    expectParams(result.params, [-0.1, 0.1, 0.0625, -0.0625, Math.log(3) - 0.025, 0.025])
  })

  it('goes through every example once an epoch, the smaller last batch included', async () => {
    const examples = blobs(streams('blobs', 0, 0), { count: 7, inputShape: [2], classes: 2 })
    const steps: string[] = []
    const result = await trainLocally({
      ...byHand,
      examples,
      training: { ...training, localEpochs: 2, batchSize: 3 },
      onStep: (done, total) => steps.push(`${done}/${total}`),
    })
    expect(result.steps).toBe(6)
    expect(steps).toEqual(['1/6', '2/6', '3/6', '4/6', '5/6', '6/6'])
  })

  it('weighs every example of the last epoch alike in the loss', async () => {
    // With a learning rate of 1e-12 nothing moves: the loss is that of the start, over 3 examples in batches of 2 and 1.
    const examples = examplesFrom({
      rows: [
        [1, 2],
        [3, -1],
        [0, 1],
      ],
      labels: [0, 1, 0],
      inputShape: [2],
      classes: ['a', 'b'],
    })
    const still = { ...training, localEpochs: 3, optimizer: { ...optimizer, learningRate: 1e-12 } }
    const result = await trainLocally({ ...byHand, examples, training: still })
    expect(result.loss).toBeCloseTo((-2 * Math.log(0.75) - Math.log(0.25)) / 3, 6)
  })

  it.each(['logistic', 'mlp', 'cnn', 'lenet'])(
    'teaches %s to tell two blobs apart, leaking no tensor',
    async (name) => {
      const inputShape = [6, 6, 1]
      const small =
        name === 'mlp'
          ? { hidden: [8] }
          : { filters: [3, 4], kernelSize: 3, hidden: name === 'lenet' ? [8, 8] : 8 }
      const model = build(
        name,
        inputShape,
        name === 'logistic' ? {} : name === 'lenet' ? { ...small, kernelSize: 2 } : small,
      )
      const examples = blobs(streams('blobs', 1, 0), { count: 120, inputShape, classes: 2 })
      const before = tf.memory().numTensors
      const result = await trainLocally({
        ...byHand,
        model,
        examples,
        start: model.init(streams('init', 0, 0)),
        training: {
          localEpochs: 4,
          batchSize: 10,
          optimizer: { ...optimizer, learningRate: 0.05, momentum: 0.5 },
        },
      })
      const predictor = modelPredictor(model, result.params)
      const metrics = metricsOf(
        await evaluate(predictor.predict, examples, examples.source.classes),
        examples.source,
      )
      predictor.dispose()
      expect(metrics.accuracy).toBeGreaterThan(0.95)
      expect(tf.memory().numTensors).toBe(before)
    },
  )

  it('gives the same bytes for the same inputs, and others for another seed, round or slot', async () => {
    const model = build('mlp', [3], { hidden: [4] })
    const examples = blobs(streams('blobs', 2, 0), { count: 30, inputShape: [3], classes: 2 })
    const one = { ...byHand, model, examples, start: model.init(streams('init', 0, 0)), rounds: 3 }
    const { params } = await trainLocally(one)
    expect((await trainLocally(one)).params).toEqual(params)
    expect((await trainLocally({ ...one, streams: createStreams(6) })).params).not.toEqual(params)
    expect((await trainLocally({ ...one, round: 2 })).params).not.toEqual(params)
    expect((await trainLocally({ ...one, slot: 1 })).params).not.toEqual(params)
  })

  it('leaves the start and the order of the examples as they were', async () => {
    const copy = start.slice()
    await trainLocally(byHand)
    expect(start).toEqual(copy)
    expect([...two.indices]).toEqual([0, 1])
  })

  it('stops early with update/not-finite when training diverges, leaking no tensor', async () => {
    const before = tf.memory().numTensors
    const model = build('mlp', [2], { hidden: [4] })
    const wild = { localEpochs: 100, batchSize: 2, optimizer: { ...optimizer, learningRate: 1e30 } }
    let steps = 0
    const diverging = trainLocally({
      ...byHand,
      model,
      start: model.init(streams('init', 0, 0)),
      training: wild,
      onStep: () => (steps += 1),
    })
    await expect(diverging).rejects.toMatchObject({ code: 'update/not-finite' })
    expect(steps).toBeLessThan(100)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses to train on nothing', async () => {
    const none = { ...two, indices: new Int32Array(0) }
    await expect(trainLocally({ ...byHand, examples: none })).rejects.toMatchObject({
      code: 'task/failed',
    })
  })
})

describe('wasm against cpu', () => {
  it.each(['logistic', 'mlp', 'cnn', 'lenet'])(
    'trains %s to the same params but for rounding',
    async (name) => {
      const inputShape = [8, 8, 1]
      const convolutional = {
        filters: [3, 4],
        kernelSize: 3,
        hidden: name === 'lenet' ? [6, 5] : 6,
      }
      const options = {
        logistic: {},
        mlp: { hidden: [6] },
        cnn: convolutional,
        lenet: convolutional,
      }[name]
      const model = build(name, inputShape, options)
      const examples = blobs(streams('blobs', 4, 0), { count: 24, inputShape, classes: 2 })
      const one = { ...byHand, model, examples, start: model.init(streams('init', 0, 0)) }
      const trained: Float32Array[] = []
      for (const backend of ['cpu', 'wasm'] as const) {
        await useBackend(backend)
        const result = await trainLocally({
          ...one,
          training: { ...training, batchSize: 4, optimizer: { ...optimizer, learningRate: 0.02 } },
        })
        trained.push(result.params)
      }
      const [cpu, wasm] = trained
      expect(cpu).not.toEqual(one.start)
      expect(Math.max(...cpu!.map((value, i) => Math.abs(value - wasm![i]!)))).toBeLessThan(2e-5)
    },
  )
})

describe('a batch', () => {
  beforeAll(() => useBackend('cpu'))

  it('holds the rows at positions of the examples, with one-hot labels', () => {
    const some = { ...two, indices: Int32Array.from([1, 0, 1]) }
    const { x, y } = batchOf(some, [0, 1])
    expect(x.arraySync()).toEqual([
      [3, -1],
      [1, 2],
    ])
    expect(y.arraySync()).toEqual([
      [0, 1],
      [1, 0],
    ])
    tf.dispose([x, y])
  })

  it('has the shape of the inputs', () => {
    const images = blobs(streams('blobs', 3, 0), { count: 2, inputShape: [2, 3, 1], classes: 2 })
    const { x, y } = batchOf(images, [1])
    expect(x.shape).toEqual([1, 2, 3, 1])
    expect(y.shape).toEqual([1, 2])
    tf.dispose([x, y])
  })
})
