import { beforeAll, describe, expect, it } from 'vitest'
import { payloadFloat32 } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import { methodOf, modelOf, serverSetup } from '#algorithms/from-config.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  compareWithReference,
  largestDifference,
  numbersOf,
} from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { referenceGradient } from '#testing/reference.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { CLASSES, plainRows, tinyClients, tinyConfig } from '#testing/tiny-federation.js'

describeMethod('fedavg')

const clients = tinyClients([3, 6, 5])
const startOf = (config: RunConfig) => [
  ...modelOf(config).init(createStreams(config.seed)('init', 0, 0)),
]
const oneRound = (change: (config: RunConfig) => RunConfig = (config) => config) =>
  tinyConfig((config) => change({ ...config, rounds: 1 }))
const runOnce = async (config: RunConfig, who: readonly number[] = [0, 1, 2]) =>
  numbersOf((await runRoundsInMemory({ config, clients, cohortOf: () => who })).released)

describe('fedavg', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('agrees with the naive reference over three rounds', async () => {
    expect(largestDifference(await compareWithReference(tinyConfig(), clients))).toBeLessThan(1e-5)
  })

  it('agrees with the naive reference when the cohort changes and clients use momentum', async () => {
    const config = tinyConfig((base) => ({
      ...base,
      rounds: 4,
      training: { ...base.training, optimizer: { ...base.training.optimizer, momentum: 0.5 } },
    }))
    const cohortOf = (round: number) => (round % 2 === 0 ? [0, 2] : [1, 2])
    expect(largestDifference(await compareWithReference(config, clients, cohortOf))).toBeLessThan(
      1e-5,
    )
  })

  it('with a server learning rate of 1 is the plain mean of the clients, weighted by examples', async () => {
    const config = oneRound()
    const [a, b, c, all] = [
      await runOnce(config, [0]),
      await runOnce(config, [1]),
      await runOnce(config, [2]),
      await runOnce(config),
    ]
    // 3, 6 and 5 examples of 14.
    const mean = a.map((value, i) => (3 * value + 6 * b[i]! + 5 * c[i]!) / 14)
    all.forEach((value, i) => expect(value).toBeCloseTo(mean[i]!, 6))
  })

  it('weights every client equally where the configuration says so', async () => {
    const config = oneRound((base) => ({
      ...base,
      aggregation: { ...base.aggregation, weighting: 'uniform' },
    }))
    const [a, b, both] = [
      await runOnce(config, [0]),
      await runOnce(config, [1]),
      await runOnce(config, [0, 1]),
    ]
    both.forEach((value, i) => expect(value).toBeCloseTo((a[i]! + b[i]!) / 2, 6))
  })

  it('with one local step and everyone in the cohort is one central step of gradient descent', async () => {
    const config = oneRound((base) => ({
      ...base,
      training: { ...base.training, localEpochs: 1, batchSize: 100 },
    }))
    const shards = clients.map(plainRows)
    const union = { rows: shards.flatMap((s) => s.rows), labels: shards.flatMap((s) => s.labels) }
    const start = startOf(config)
    const gradient = referenceGradient(start, union, CLASSES.length)
    const after = await runOnce(config)
    after.forEach((value, i) => expect(value).toBeCloseTo(start[i]! - 0.2 * gradient[i]!, 6))
  })

  it('moves by the server learning rate times the mean delta', async () => {
    const half = oneRound((base) => ({
      ...base,
      aggregation: { ...base.aggregation, serverOptimizer: { name: 'sgd', learningRate: 0.5 } },
    }))
    const [start, plain, slowed] = [startOf(half), await runOnce(oneRound()), await runOnce(half)]
    slowed.forEach((value, i) => expect(value).toBeCloseTo((start[i]! + plain[i]!) / 2, 6))
  })

  it('starts from seeded params', async () => {
    const config = oneRound()
    const { rounds } = await runRoundsInMemory({ config, clients })
    expect([...payloadFloat32(rounds[0]!.plan.shared)]).toEqual(startOf(config))
  })

  it('starts from a backbone of other classes with its own seeded head', () => {
    const config = tinyConfig((base) => ({ ...base, model: { name: 'mlp', hidden: [3] } }))
    const other = { ...config, task: { ...config.task, classes: [...CLASSES, 'dog'] } }
    const model = modelOf(config)
    const given = modelOf(other).init(createStreams(99)('init', 0, 0))
    const server = methodOf(config).server(serverSetup(config))
    const started = server.init(paramsBundle(modelOf(other), given))
    const params = paramsOf(model, server.released(started).bundle)
    // dense1: 4 × 3 weights and 3 biases.
    expect(params.subarray(0, 15)).toEqual(given.subarray(0, 15))
    expect([...params.subarray(15)]).toEqual(startOf(config).slice(15))
  })
})
