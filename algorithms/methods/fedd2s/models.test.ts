/** The profile `models`. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, partOf } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { ClientData } from '#data/dataset.js'
import { serverSetup } from '#algorithms/from-config.js'
import { difference } from '#algorithms/methods/delta.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import { fromTensors, paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { layoutBelow, tapsOf } from '#algorithms/models/taps.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { wholeModel, type Objective } from '#algorithms/training/objective.js'
import { CLIENTS, fedd2sSetup, type LabOptions } from '#testing/fedd2s-lab.js'
import { fedd2sConfig, fedd2sRun, ownParams } from '#testing/fedd2s-rounds.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { modelsClient, studentOf, throughFrozen } from './models-client.js'
import { modelsServer } from './models-server.js'

const MODELS = { profile: 'models', interval: 1 }
const UNTAUGHT = { ...MODELS, clientDivergence: 0, serverDivergence: 0 }
const SLOTS = [0, 1, 2]
const [client] = CLIENTS as [ClientData]
const RULE = { temperature: 2, scaleByT2: true, weight: 0.7 }

const setup = fedd2sSetup({ hyper: MODELS })
const { model } = setup
const drawn = (seed: number): Float32Array => model.init(createStreams(seed)('init', 0, 0))
/** Random biases too: at zero a mistake in their place could hide. */
const moved = (seed: number): Float32Array =>
  drawn(seed).map((value, i) => value + 0.1 * Math.sin(i + seed))

/** Loss and gradient at these params. */
const at = (objective: Objective, params: Float32Array) =>
  tf.tidy(() => {
    const tensors = toTensors(model, params)
    const batch = batchOf(client.train, [0, 1, 2])
    const { loss } = objective.on(batch, tensors)
    const { value, grads } = tf.valueAndGrads((...moving: tf.Tensor[]) => loss(moving))(tensors)
    return { loss: value.dataSync()[0]!, gradient: fromTensors(model, grads) }
  })
const frozenOf = (seed: number) => toTensors(model, moved(seed))

const globalAfter = (result: Awaited<ReturnType<typeof fedd2sRun>>, round: number): string =>
  bundleHash(partOf(partOf(result.rounds[round - 1]!.state, 'method'), 'model'))
const config = fedd2sConfig({ hyper: MODELS })

describe('the profile models', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('I26: without teachers its global model follows federated averaging, bit for bit', async () => {
    for (const change of [
      {},
      {
        aggregation: {
          ...config.aggregation,
          serverOptimizer: { name: 'adam', learningRate: 0.1 },
        },
      },
    ]) {
      const options = { hyper: UNTAUGHT, change }
      const result = await fedd2sRun(options)
      const fedavg = await runRoundsInMemory({
        config: { ...fedd2sConfig(options), method: { name: 'fedavg' } },
        clients: CLIENTS,
      })
      for (const round of [1, 2, 3])
        expect(globalAfter(result, round)).toBe(globalAfter(fedavg, round))
    }
  })

  it('I26: without teachers its clients’ own models are those of local training, bit for bit', async () => {
    const options = { hyper: UNTAUGHT }
    const cohortOf = (round: number) => (round === 2 ? [0, 2] : SLOTS)
    const result = await fedd2sRun(options, { cohortOf })
    const alone = await runRoundsInMemory({
      config: { ...fedd2sConfig(options), method: { name: 'local-only' } },
      clients: CLIENTS,
      cohortOf,
    })
    for (const slot of SLOTS)
      expect(ownParams(options, result, slot)).toEqual([
        ...paramsOf(model, alone.memories.get(slot)!),
      ])
  })

  it.each(tapsOf(model))(
    'I26: the KL gradient is exactly zero above the cut, and not below ($name)',
    (tap) => {
      const frozen = frozenOf(1)
      const params = moved(2)
      const plain = at(wholeModel(model), params)
      const taught = at(throughFrozen({ model, tap, frozen }, RULE), params)
      tf.dispose(frozen)
      const below = layoutBelow(model, tap).parameterCount
      const kl = taught.gradient.map((value, i) => value - plain.gradient[i]!)
      expect(kl.subarray(below).every((value) => value === 0)).toBe(true)
      expect(kl.subarray(0, below).some((value) => value !== 0)).toBe(true)
    },
  )

  it('has the gradients of finite differences, of the own model and of the student', () => {
    const tap = tapsOf(model)[1]!
    const frozen = frozenOf(1)
    const taught = frozenOf(5)
    const global = { model, tap, frozen }
    for (const objective of [throughFrozen(global, RULE), studentOf(global, taught, RULE)]) {
      const params = moved(2)
      const { gradient } = at(objective, params)
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
      const h = 2e-3
      const along = (step: number): number =>
        at(
          objective,
          params.map((value, i) => value + (step * gradient[i]!) / norm),
        ).loss
      expect((along(h) - along(-h)) / (2 * h)).toBeCloseTo(norm, 2)
    }
    tf.dispose([...frozen, ...taught])
  })

  it('the teachers are constants: own and student agree with them at no cost', () => {
    const tap = tapsOf(model)[1]!
    const frozen = frozenOf(1)
    const global = { model, tap, frozen }
    const ce = at(wholeModel(model), moved(1)).loss
    // G teaches through itself what it says itself.
    expect(at(throughFrozen(global, RULE), moved(1)).loss).toBeCloseTo(ce, 5)
    expect(at(studentOf(global, frozen, RULE), moved(1)).loss).toBeCloseTo(ce, 5)
    tf.dispose(frozen)
  })

  it('the student learns from what the client has just become', async () => {
    const options = { hyper: { ...MODELS, clientDivergence: 0 } }
    const half = modelsClient(fedd2sSetup(options))
    const global = moved(3)
    const input = {
      ...{ round: 1, slot: 1, task: { round: 0, cut: 'dense2', isStageStart: false } },
      ...{ shared: paramsBundle(model, global), assets: {}, personal: null, memory: null },
      ...{ data: client, uplink: [] },
    }
    const { update, pending } = await half.perform(input)
    const tap = tapsOf(model).find(({ name }) => name === 'dense2')!
    const [frozen, own] = [toTensors(model, global), toTensors(model, paramsOf(model, pending!))]
    const objective = studentOf({ model, tap, frozen }, own, { ...RULE, weight: 0.3 })
    const student = await trainFrom(setup, input, { start: global, objective })
    tf.dispose([...frozen, ...own])
    expect(update['delta']!.flatMap(({ data }) => [...data])).toEqual([
      ...difference(student.params, global),
    ])
  })

  it('in round 0 clients learn from labels alone, students from the start', async () => {
    const once = { change: { rounds: 1 } }
    const taught = await fedd2sRun({ hyper: MODELS, ...once })
    const untaught = await fedd2sRun({ hyper: UNTAUGHT, ...once })
    expect(ownParams({ hyper: MODELS }, taught, 1)).toEqual(
      ownParams({ hyper: UNTAUGHT }, untaught, 1),
    )
    expect(globalAfter(taught, 1)).not.toBe(globalAfter(untaught, 1))
    const [longer, alone] = [
      await fedd2sRun({ hyper: MODELS }),
      await fedd2sRun({ hyper: UNTAUGHT }),
    ]
    expect(ownParams({ hyper: MODELS }, longer, 1)).not.toEqual(
      ownParams({ hyper: UNTAUGHT }, alone, 1),
    )
  })

  it('walks from the logits to the first layer, whole models both ways', async () => {
    const { rounds } = await fedd2sRun({ hyper: MODELS, change: { rounds: 4 } })
    expect(rounds.map(({ plan }) => plan.task['cut'])).toEqual([
      ...['head', 'dense3', 'dense2', 'dense1'],
    ])
    expect(rounds.map(({ metrics }) => metrics['cut'])).toEqual([4, 3, 2, 1])
    for (const { plan, clientMetrics } of rounds) {
      expect(plan.shared.payload.length).toBe(4 * model.parameterCount)
      expect(plan.uplink.map(({ name, maxBytes }) => [name, maxBytes])).toEqual([
        ['delta', 4 * model.parameterCount],
      ])
      expect(clientMetrics.get(0)!['student/loss']).toBeGreaterThan(0)
    }
  })

  it('keeps what a client trained whatever becomes of its update', async () => {
    const options: LabOptions = { hyper: MODELS, change: { rounds: 1 } }
    const refused = await fedd2sRun(options, {
      fateOf: (_round, slot) => (slot === 1 ? 'refused' : 'accepted'),
    })
    expect(ownParams(options, refused, 1)).toEqual(ownParams(options, await fedd2sRun(options), 1))
  })

  it('I22: an empty round leaves the global model, and the cut moves on', async () => {
    const cohort = { ...config.cohort, minReporters: 0 }
    // An optimizer with a memory would move without any update.
    const serverOptimizer = { name: 'momentum', learningRate: 1 }
    const aggregation = { ...config.aggregation, serverOptimizer }
    const result = await fedd2sRun(
      { hyper: MODELS, change: { cohort, aggregation } },
      { fateOf: (round) => (round === 2 ? 'abandoned' : 'accepted') },
    )
    expect(globalAfter(result, 2)).toBe(globalAfter(result, 1))
    expect(globalAfter(result, 3)).not.toBe(globalAfter(result, 2))
    expect(result.rounds[2]!.plan.task['cut']).toBe('dense2')
  })

  it('starts from a bundle, and trains alone once the federation is over', async () => {
    const hyper = { ...MODELS, stopFederationAfter: 1 }
    const server = modelsServer({
      ...serverSetup(fedd2sConfig({ hyper })),
      hyper: fedd2sSetup({ hyper }).hyper,
    })
    const given = paramsBundle(model, drawn(9))
    const state = server.init(given)
    expect(bundleHash(server.released(state).bundle)).toBe(bundleHash(given))
    const { rounds, memories } = await fedd2sRun({ hyper })
    expect(rounds.map(({ plan }) => [plan.uplink.length, plan.shared.tensors.length])).toEqual([
      ...[
        [1, model.params.length],
        [0, 0],
        [0, 0],
      ],
    ])
    const plain = await fedd2sRun({ hyper, change: { rounds: 2 } })
    expect(bundleHash(memories.get(0)!)).not.toBe(bundleHash(plain.memories.get(0)!))
  })
})
