/** What holds in every local step of FedIns, against closed forms in plain loops. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClientData, Examples } from '#data/dataset.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { fromTensors, toTensors } from '#algorithms/models/params.js'
import { batchOf } from '#algorithms/training/batch.js'
import { trainObjective } from '#algorithms/training/train.js'
import {
  farthest,
  farthestPool,
  initialState,
  labOf,
  localPool,
  naiveExamples,
  naivePool,
  netOf,
  performed,
  poolIn,
  stateWith,
  withBackbone,
  withLearningRate,
  withTraining,
  type Lab,
} from '#testing/fedins-lab.js'
import {
  chosenFor,
  dot,
  lengthOf,
  meanOf,
  poolGradient,
  queryOf,
  trainedEntry,
  trainedPool,
  type NaivePool,
} from '#testing/fedins-reference.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { poolObjective } from './objective.js'
import { poolLayout } from './pool.js'
import { queriesOf } from './queries.js'
import { nearestKeys } from './routing.js'
import { shapeOf } from './setup.js'

const [client] = tinyClients([12]) as [ClientData]

/** The initial pool with noise on everything: what training meets in later rounds. */
function noisyPool(lab: Lab, deviation = 0.3): Float32Array {
  const noise = createStreams(3)('test/pool', 0, 0)
  return poolIn(lab, initialState(lab)).map((value) => value + deviation * noise.normal())
}
/** The same examples with their labels turned round. */
const relabelled = ({ source, indices }: Examples): Examples => ({
  source: { ...source, labels: source.labels.map((label) => 2 - label) },
  indices,
})
const schedule = ({ config }: Lab, { slot = 0 } = {}) => ({
  epochs: config.training.localEpochs,
  batchSize: config.training.batchSize,
  learningRate: config.training.optimizer.learningRate,
  shuffles: createStreams(config.seed)('batches', 1, slot),
})
/** A local training of `start`: the pool after it. */
const trainedFrom = async (lab: Lab, start: Float32Array, data = client) =>
  localPool(start, await performed(lab, stateWith(lab, start), { data }))

interface Step {
  readonly positions: Int32Array
  readonly before: NaivePool
  readonly gradient: NaivePool
  readonly loss: number
}
/** Every step of one local training, as the objective and the optimizer saw it; and the pool at the end. */
async function stepsOf(lab: Lab, start: Float32Array) {
  const layout = poolLayout(shapeOf(lab.setup))
  const naive = (tensors: readonly Tensor[]) => naivePool(lab, fromTensors(layout, tensors))
  const seen: Omit<Step, 'gradient'>[] = []
  const gradients: NaivePool[] = []
  const { hyper } = lab.setup
  const { params } = await withBackbone(lab, async (backbone) => {
    const objective = poolObjective({
      ...{ shape: shapeOf(lab.setup), hyper, backbone, center: null },
      queries: await queriesOf(client.train, backbone, start),
      route: (q, keys) => nearestKeys(q, keys!, hyper.topK),
    })
    return trainObjective({
      objective: {
        ...objective,
        on(batch, now) {
          const step = objective.on(batch, now)
          const [loss = NaN] = step.loss(now).dataSync()
          seen.push({ positions: batch.positions, before: naive(now), loss })
          return step
        },
      },
      adjustGradients(own) {
        gradients.push(naive(own))
        return own
      },
      ...{ start, examples: client.train, training: lab.config.training },
      ...{ streams: createStreams(lab.config.seed), round: 1, rounds: 1, slot: 0 },
    })
  })
  const steps = seen.map((step, i): Step => ({ ...step, gradient: gradients[i]! }))
  return { steps, end: naivePool(lab, params) }
}

describe('local training of a pool', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('I6: entries that no input of the batch chose have a gradient of zero and keep their bits', async () => {
    const lab = labOf({ poolSize: 6, topK: 1 }, withTraining({ batchSize: 2 }))
    const net = netOf(lab)
    const { steps, end } = await stepsOf(lab, noisyPool(lab))
    const examples = naiveExamples(client)
    let untouched = 0
    steps.forEach(({ positions, before, gradient }, i) => {
      const after = steps[i + 1]?.before ?? end
      const chosen = new Set(
        [...positions].flatMap((at) => chosenFor(queryOf(net, examples[at]!.x), before.keys, 1)),
      )
      before.entries.forEach((entry, m) => {
        const moved = [...gradient.entries[m]!, ...gradient.keys[m]!]
        if (chosen.has(m)) return expect(moved.some((value) => value !== 0)).toBe(true)
        untouched += 1
        expect(moved.every((value) => value === 0)).toBe(true)
        expect([after.entries[m], after.keys[m]]).toEqual([entry, before.keys[m]])
      })
    })
    // 12 steps of 6 entries; two inputs choose at most two of them.
    expect(untouched).toBeGreaterThanOrEqual(12 * 4)
  })

  it('I8: with one entry it is a single adapter and head, trained by SGD with (1 − λ) CE', async () => {
    const lab = labOf({ poolSize: 1, topK: 1, keyWeight: 0.3 }, withTraining({ localEpochs: 4 }))
    const start = noisyPool(lab)
    const [entry] = naivePool(lab, start).entries
    const expected = trainedEntry(netOf(lab), entry!, {
      ...{ ...schedule(lab), examples: naiveExamples(client), factor: 0.7 },
    })
    const [got] = naivePool(lab, await trainedFrom(lab, start)).entries
    expect(farthest(got!, expected)).toBeLessThan(1e-5)
    expect(farthest(got!, entry!)).toBeGreaterThan(0.05)
  })

  it('I9: with k = M the pool’s mean moves as one adapter with the M-th part of the learning rate', async () => {
    const many = withTraining({ localEpochs: 20, batchSize: 3 })
    const lab = labOf({ poolSize: 5, topK: 5, keyWeight: 0.1 }, (config) =>
      withLearningRate(0.5)(many(config)),
    )
    const start = noisyPool(lab)
    const before = meanOf(naivePool(lab, start).entries)
    const expected = trainedEntry(netOf(lab), before, {
      ...{ ...schedule(lab), learningRate: 0.1, examples: naiveExamples(client), factor: 0.9 },
    })
    // 80 steps.
    const got = meanOf(naivePool(lab, await trainedFrom(lab, start)).entries)
    expect(farthest(got, expected)).toBeLessThan(1e-4)
    expect(farthest(got, before)).toBeGreaterThan(0.1)
  })

  it('I10: a key’s gradient is at right angles to it; no step shortens it; others stay', async () => {
    const lab = labOf({ poolSize: 5, topK: 2, keyWeight: 0.5 })
    const { steps, end } = await stepsOf(lab, noisyPool(lab))
    let [moved, stayed] = [0, 0]
    steps.forEach(({ before, gradient }, i) => {
      const after = (steps[i + 1]?.before ?? end).keys
      before.keys.forEach((key, m) => {
        const slope = gradient.keys[m]!
        expect(Math.abs(dot(key, slope))).toBeLessThan(1e-6)
        // The last bit of a float32.
        expect(lengthOf(after[m]!)).toBeGreaterThan(lengthOf(key) * (1 - 1e-7))
        const isMoved = slope.some((value) => value !== 0)
        if (isMoved) moved += 1
        else stayed += 1
        expect(String(after[m]) === String(key)).toBe(!isMoved)
      })
    })
    expect(Math.min(moved, stayed)).toBeGreaterThan(3)
  })

  it('I11: keys depend on neither labels nor scales, shifts and heads', async () => {
    const lab = labOf({ keyWeight: 0.5 }, withTraining({ localEpochs: 5 }))
    const start = noisyPool(lab)
    const others = noisyPool(lab, 0.9)
    const layout = poolLayout(shapeOf(lab.setup))
    const at = layout.params.findIndex(({ name }) => name === 'keys')
    const sizeOf = (shape: readonly number[]): number => shape.reduce((all, one) => all * one, 1)
    const from = layout.params.slice(0, at).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const keysOf = (pool: Float32Array) => pool.subarray(from, from + 16)
    others.set(keysOf(start), from)

    const keys = keysOf(await trainedFrom(lab, start))
    const flipped = await trainedFrom(lab, start, { ...client, train: relabelled(client.train) })
    expect(keysOf(flipped)).toEqual(keys)
    expect(keysOf(await trainedFrom(lab, others))).toEqual(keys)
    // The labels did matter, and the keys did move.
    expect(farthest(flipped, await trainedFrom(lab, start))).toBeGreaterThan(0.05)
    expect(farthest(keys, keysOf(start))).toBeGreaterThan(0.05)
  })

  it('I13: pull is in [−k, k] and the loss at least −λ (k − 1)', async () => {
    const lab = labOf({ poolSize: 5, topK: 3, keyWeight: 0.6 }, withTraining({ localEpochs: 6 }))
    const { steps } = await stepsOf(lab, noisyPool(lab))
    const [net, examples] = [netOf(lab), naiveExamples(client)]
    for (const { positions, before, loss } of steps) {
      const batch = [...positions].map((at) => examples[at]!)
      const expected = poolGradient(net, before, batch, lab.setup.hyper)
      expect(loss).toBeCloseTo(expected.loss, 5)
      expect(Math.abs(expected.pull)).toBeLessThanOrEqual(3)
      expect(loss).toBeGreaterThanOrEqual(-0.6 * 2)
    }
    // Negative on the way: keys settle on the queries.
    expect(Math.min(...steps.map(({ loss }) => loss))).toBeLessThan(0)
  })

  it('I13: both ends are reached, where all keys point at the query or away from it', async () => {
    const lab = labOf({ poolSize: 4, topK: 4, keyWeight: 0.5 }, withTraining({ localEpochs: 1 }))
    const one = { ...client, train: { ...client.train, indices: client.train.indices.slice(0, 1) } }
    const query = queryOf(netOf(lab), naiveExamples(one)[0]!.x)
    for (const sign of [1, -1]) {
      const start = noisyPool(lab)
      const keys = [0, 1, 2, 3].flatMap((m) => query.map((value) => sign * (m + 1) * value))
      start.set(keys, start.length - 4 * (3 * 4 + 3) - keys.length)
      const { metrics } = await performed(lab, stateWith(lab, start), { data: one })
      expect(metrics['similarity']).toBeCloseTo(sign, 5)
      const { entries } = naivePool(lab, start)
      const pool = { entries, keys: [0, 1, 2, 3].map((m) => keys.slice(4 * m, 4 * m + 4)) }
      const { loss, pull } = poolGradient(netOf(lab), pool, naiveExamples(one), lab.setup.hyper)
      expect(pull).toBeCloseTo(4 * sign, 8)
      expect(metrics['loss']).toBeCloseTo(loss, 5)
    }
  })

  it('I20: as many tensors after every step and after the training', async () => {
    const lab = labOf({}, withTraining({ localEpochs: 5 }))
    const state = initialState(lab)
    const counts: number[] = []
    const before = tf.memory().numTensors
    await performed(lab, state, {
      data: client,
      onStep: () => counts.push(tf.memory().numTensors),
    })
    expect(counts).toHaveLength(15)
    expect(new Set(counts).size).toBe(1)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('I21: gradients are the closed forms, and those the finite differences', async () => {
    const lab = labOf({ poolSize: 5, topK: 2, keyWeight: 0.4 })
    const layout = poolLayout(shapeOf(lab.setup))
    const [start, net] = [noisyPool(lab), netOf(lab)]
    const pool = naivePool(lab, start)
    const positions = [0, 3, 5, 8, 11]
    const batch = positions.map((at) => naiveExamples(client)[at]!)
    const { gradient, loss } = poolGradient(net, pool, batch, lab.setup.hyper)

    await withBackbone(lab, async (backbone) => {
      const queries = await queriesOf(client.train, backbone, start)
      const objective = poolObjective({
        ...{ shape: shapeOf(lab.setup), hyper: lab.setup.hyper, backbone, queries },
        center: null,
        route: (q, keys) => nearestKeys(q, keys!, 2),
      })
      tf.tidy(() => {
        const tensors = toTensors(layout, start)
        const step = objective.on(batchOf(client.train, positions), tensors)
        const { value, grads } = tf.valueAndGrads((...moving: Tensor[]) => step.loss(moving))(
          tensors,
        )
        expect(value.dataSync()[0]).toBeCloseTo(loss, 5)
        expect(farthestPool(naivePool(lab, fromTensors(layout, grads)), gradient)).toBeLessThan(
          1e-4,
        )
      })
    })

    const step = 1e-5
    const lossAt = (change: (pool: { entries: number[][]; keys: number[][] }) => void): number => {
      const copy = { entries: pool.entries.map((e) => [...e]), keys: pool.keys.map((k) => [...k]) }
      change(copy)
      return poolGradient(net, copy, batch, lab.setup.hyper).loss
    }
    for (const kind of ['entries', 'keys'] as const) {
      gradient[kind].forEach((row, m) =>
        row.forEach((slope, i) => {
          const plus = lossAt((copy) => void (copy[kind][m]![i]! += step))
          const minus = lossAt((copy) => void (copy[kind][m]![i]! -= step))
          expect((plus - minus) / (2 * step)).toBeCloseTo(slope, 7)
        }),
      )
    }
    expect(farthest(gradient.keys.flat(), Array<number>(20).fill(0))).toBeGreaterThan(1e-3)
  })

  it('follows the closed forms through two epochs of shuffled batches, the smaller last ones too', async () => {
    for (const hyper of [{ topK: 1 }, { topK: 3, keyWeight: 0.4 }]) {
      const lab = labOf(hyper, withTraining({ batchSize: 5 }))
      const start = noisyPool(lab)
      const expected = trainedPool(netOf(lab), naivePool(lab, start), {
        ...{ ...schedule(lab), examples: naiveExamples(client), rule: lab.setup.hyper },
      })
      const got = naivePool(lab, await trainedFrom(lab, start))
      expect(farthestPool(got, expected)).toBeLessThan(1e-5)
    }
  })
})

describe('local training at the edges', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('n < B: one smaller batch, whose loss is divided by its size', async () => {
    const [large, exact] = [1000, 12].map((batchSize) => labOf({}, withTraining({ batchSize })))
    const start = noisyPool(large!)
    const pool = await trainedFrom(large!, start)
    expect(pool).toEqual(await trainedFrom(exact!, start))
    const expected = trainedPool(netOf(large!), naivePool(large!, start), {
      ...{ ...schedule(large!), examples: naiveExamples(client), rule: large!.setup.hyper },
    })
    expect(farthestPool(naivePool(large!, pool), expected)).toBeLessThan(1e-5)
  })

  it('λ = 0: keys keep their bits and everything else learns', async () => {
    const lab = labOf({ keyWeight: 0 })
    const start = noisyPool(lab)
    const [before, after] = [naivePool(lab, start), naivePool(lab, await trainedFrom(lab, start))]
    expect(after.keys).toEqual(before.keys)
    expect(farthest(after.entries.flat(), before.entries.flat())).toBeGreaterThan(0.01)
  })

  it('λ = 1: only keys learn', async () => {
    const lab = labOf({ keyWeight: 1 })
    const start = noisyPool(lab)
    const [before, after] = [naivePool(lab, start), naivePool(lab, await trainedFrom(lab, start))]
    expect(after.entries).toEqual(before.entries)
    expect(farthest(after.keys.flat(), before.keys.flat())).toBeGreaterThan(0.01)
  })

  it('a client without examples does not train, and says so', async () => {
    const lab = labOf({})
    const none = { ...client, train: { ...client.train, indices: new Int32Array(0) } }
    await expect(performed(lab, initialState(lab), { data: none })).rejects.toMatchObject({
      code: 'task/failed',
    })
  })

  it('a loss that is no number ends the training: nothing is sent', async () => {
    const lab = labOf({}, withLearningRate(1e30))
    await expect(performed(lab, initialState(lab), { data: client })).rejects.toMatchObject({
      code: 'update/not-finite',
    })
  })
})
