/** Whole runs of FedIns. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { tf } from '#algorithms/tensor/tf.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { batchOf } from '#algorithms/training/batch.js'
import { packUpdate } from '#algorithms/methods/update.js'
import {
  farthest,
  farthestPool,
  initialState,
  labOf,
  naiveExamples,
  naivePool,
  netOf,
  performed,
  planOf,
  poolIn,
  withBackbone,
  type Lab,
} from '#testing/fedins-lab.js'
import { meanOf, queryOf, trainedPool, type NaivePool } from '#testing/fedins-reference.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { queriesFor } from './forward.js'
import { queriesOf } from './queries.js'

const sizes = [3, 6, 5]
const clients = tinyClients(sizes)
const rounds =
  (count: number) =>
  (config: RunConfig): RunConfig => ({ ...config, rounds: count })
const runOf = ({ config, startFrom }: Lab) => runRoundsInMemory({ config, startFrom, clients })
const hashOf = async (lab: Lab) => bundleHash((await runOf(lab)).state)

/** The same run in plain loops: the pool after the last round. */
function naiveRun(lab: Lab, weights: readonly number[]): NaivePool {
  const { config, setup } = lab
  const { localEpochs, batchSize, optimizer } = config.training
  const [net, total] = [netOf(lab), weights.reduce((sum, weight) => sum + weight, 0)]
  let pool = naivePool(lab, poolIn(lab, initialState(lab)))
  for (let round = 1; round <= config.rounds; round++) {
    const local = clients.map((data, slot) =>
      trainedPool(net, pool, {
        ...{ examples: naiveExamples(data), rule: setup.hyper },
        ...{ epochs: localEpochs, batchSize, learningRate: optimizer.learningRate },
        shuffles: createStreams(config.seed)('batches', round, slot),
      }),
    )
    // Times the number of clients, so that the plain mean of the rows is the weighted one.
    const mean = (rowOf: (one: NaivePool) => readonly number[]) =>
      meanOf(local.map((one, i) => rowOf(one).map((v) => (v * weights[i]! * 3) / total)))
    pool = {
      entries: pool.entries.map((_, m) => mean(({ entries }) => entries[m]!)),
      keys: pool.keys.map((_, m) => mean(({ keys }) => keys[m]!)),
    }
  }
  return pool
}

describe('runs of FedIns', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each([
    { weighting: 'uniform', weights: [1, 1, 1] },
    { weighting: 'examples', weights: sizes },
  ])('agree with plain loops over three rounds ($weighting)', async ({ weighting, weights }) => {
    const lab = labOf({ weighting, keyWeight: 0.3 }, rounds(3))
    const got = naivePool(lab, poolIn(lab, (await runOf(lab)).released))
    const expected = naiveRun(lab, weights)
    expect(farthestPool(got, expected)).toBeLessThan(1e-5)
    const before = naivePool(lab, poolIn(lab, initialState(lab)))
    expect(farthestPool(got, before)).toBeGreaterThan(0.05)
  })

  it('I7: the backbone keeps its bits, and so does every query', async () => {
    const lab = labOf({}, rounds(3))
    const queriesNow = () =>
      withBackbone(lab, (backbone) =>
        tf.tidy(() =>
          queriesFor(backbone, batchOf(clients[1]!.train, [0, 1, 2, 3, 4, 5]).x).dataSync(),
        ),
      )
    const [hash, before] = [bundleHash(lab.startFrom), await queriesNow()]
    const run = await runOf(lab)
    expect(bundleHash(lab.startFrom)).toBe(hash)
    expect(run.rounds.map(({ plan }) => plan.assets)).toEqual(Array(3).fill({ backbone: hash }))
    expect(await queriesNow()).toEqual(before)
    // None of its tensors travels in a round.
    const names = run.rounds.flatMap(({ plan }) => plan.shared.tensors.map(({ name }) => name))
    expect(
      names.some((name) =>
        lab.startFrom.tensors.some((own) => own.name === name && !name.startsWith('head/')),
      ),
    ).toBe(false)
  })

  it('I7: queries are computed once and are those of the bare backbone', async () => {
    const lab = labOf({})
    const frozen = Float32Array.of(1)
    await withBackbone(lab, async (backbone) => {
      const { train } = clients[1]!
      const queries = await queriesOf(train, backbone, frozen)
      const expected = naiveExamples({ train }).flatMap(({ x }) => queryOf(netOf(lab), x))
      expect(farthest(queries, expected)).toBeLessThan(1e-5)
      expect(await queriesOf(train, backbone, frozen)).toBe(queries)
      expect(await queriesOf(train, backbone, Float32Array.of(1))).not.toBe(queries)
    })
  })

  it('I17: what sparse uploads give is what dense ones give, for fewer bytes', async () => {
    const options = { poolSize: 12, topK: 1 }
    const labs = ['dense', 'sparse'].map((upload) => labOf({ ...options, upload }, rounds(3)))
    const [dense, sparse] = labs as [Lab, Lab]
    expect(await hashOf(sparse)).toBe(await hashOf(dense))
    const bytesOf = async (lab: Lab): Promise<number> => {
      const state = initialState(lab)
      const { update } = await performed(lab, state, { data: clients[0]! })
      return packUpdate(update, planOf(lab, state).uplink).payload.length
    }
    // Three examples choose at most three of twelve entries in the first epoch.
    expect(await bytesOf(sparse)).toBeLessThan(0.6 * (await bytesOf(dense)))
  })

  it('keeps as many tensors from round to round', async () => {
    const lab = labOf({}, rounds(2))
    await runOf(lab)
    const before = tf.memory().numTensors
    await runOf(lab)
    expect(tf.memory().numTensors).toBe(before)
  })
})

describeOnBackends('runs of FedIns', (backend) => {
  it('I22: the same seed gives the same run, another seed another', async () => {
    const lab = (seed: number, hyper: JsonObject = {}) =>
      labOf(hyper, (config) => ({ ...config, seed, compute: { backend, threads: 1 }, rounds: 2 }))
    const released = async (one: Lab): Promise<Bundle> => (await runOf(one)).released
    for (const routing of ['keys', 'random']) {
      expect(await released(lab(3, { routing }))).toEqual(await released(lab(3, { routing })))
    }
    expect(await released(lab(4))).not.toEqual(await released(lab(3)))
  })

  it('agree with plain loops, so choices are made here as everywhere', async () => {
    const lab = labOf({ keyWeight: 0.3 }, rounds(2))
    const got = naivePool(lab, poolIn(lab, (await runOf(lab)).released))
    expect(farthestPool(got, naiveRun(lab, [1, 1, 1]))).toBeLessThan(1e-5)
  })
})
