import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, decodeBundle, encodeBundle, partOf } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { modelOf } from '#algorithms/from-config.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { describeMethod } from '#testing/method-conformance.js'
import {
  exported,
  exportedHash,
  firstOf,
  halvesOf,
  logitsBy,
  logitsOf,
  LOST,
  plannedFirst,
  releasedFirst,
} from '#testing/personal-lab.js'
import { runReference } from '#testing/reference.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import {
  CLASSES,
  plainRows,
  tinyClients,
  tinyConfig,
  withMethod,
} from '#testing/tiny-federation.js'

describeMethod('local-only')

const clients = tinyClients([3, 6, 5])
const config = tinyConfig(withMethod('local-only'))
const run = (rest: Partial<Parameters<typeof runRoundsInMemory>[0]> = {}) =>
  runRoundsInMemory({ config, clients, ...rest })

describe('local-only', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('agrees with a naive training of each client by itself, with changing cohorts', async () => {
    const cohorts = [
      [0, 1],
      [1, 2],
      [0, 1, 2],
    ]
    const { memories } = await run({ cohortOf: (round) => cohorts[round - 1]! })
    const { optimizer, ...training } = config.training
    for (const slot of [0, 1, 2]) {
      // Federated averaging of one client is training of that client.
      const history = runReference({
        ...{ method: 'fedavg', mu: 0, clients: clients.map(plainRows), classes: CLASSES.length },
        ...{ start: [...firstOf(config)], rounds: 3, ...training },
        ...{ learningRate: optimizer.learningRate, momentum: 0 },
        streams: createStreams(config.seed),
        reporters: (round) => (cohorts[round - 1]!.includes(slot) ? [slot] : []),
      })
      const own = exported(config, memories.get(slot)!)
      history.at(-1)!.forEach((value, i) => expect(own[i]).toBeCloseTo(value, 5))
    }
  })

  it('sends an update without a single tensor, and it counts', async () => {
    const { client, server } = halvesOf(config)
    const plan = server.next(server.init(null))
    if (plan === 'done') throw new Error('nothing to do')
    expect([plan.uplink, plan.shared.tensors]).toEqual([[], []])
    const { update, weight, metrics } = await client.perform({
      ...{ round: 1, slot: 1, task: {}, shared: plan.shared, assets: {}, personal: null },
      ...{ data: clients[1]!, memory: null, uplink: [] },
    })
    const sent = unwrap(decodeBundle(encodeBundle(packUpdate(update, []))))
    expect(sent.tensors).toEqual([])
    expect(unwrap(receiveUpdate(sent, weight, { uplink: [], maxExamples: 10 })).tensors).toEqual([])
    expect([weight, Object.keys(metrics)]).toEqual([6, ['loss', 'steps']])
    // What nobody asked for does not get in.
    const { train } = clients[1]!
    const stowaway = packUpdate(
      {
        own: [
          { name: 'x', shape: [1], dtype: 'float32', data: Float32Array.of(train.indices[0]!) },
        ],
      },
      [
        {
          ...{ name: 'own', tensors: [{ name: 'x', shape: [1], dtype: 'float32' }] },
          ...{ reduce: 'gather', weight: 'none', grid: null, privacyClass: 'metrics', maxBytes: 4 },
        },
      ],
    )
    expect(receiveUpdate(stowaway, weight, { uplink: [], maxExamples: 10 })).toMatchObject({
      ok: false,
      error: { code: 'update/malformed' },
    })
  })

  it.each(LOST)('keeps what it trained when its update was %s', async (fate) => {
    const counted = await run()
    const lost = await run({ fateOf: (_, slot) => (slot === 1 ? fate : 'accepted') })
    for (const slot of [0, 1, 2])
      expect(exportedHash(config, lost.memories.get(slot)!)).toBe(
        exportedHash(config, counted.memories.get(slot)!),
      )
    expect(halvesOf(config).client.told!(lost.memories.get(1)!)).toEqual({
      'kept/1': 1,
      'kept/2': 1,
      'kept/3': 1,
    })
    expect(halvesOf(config).client.told!(counted.memories.get(1)!)).toEqual({})
  })

  it('trains in a round from where it stood, and clients do not touch one another', async () => {
    const alone = await run({ cohortOf: () => [1] })
    const together = await run()
    expect(bundleHash(together.memories.get(1)!)).toBe(bundleHash(alone.memories.get(1)!))
    const sooner = await run({ cohortOf: (round) => (round === 2 ? [0] : [0, 1]) })
    expect(exportedHash(config, sooner.memories.get(1)!)).not.toBe(
      exportedHash(config, alone.memories.get(1)!),
    )
  })

  it('counts rounds and the trainings that it was told of', async () => {
    const { state } = await run({ cohortOf: (round) => (round === 2 ? [0] : [0, 1, 2]) })
    expect(partOf(partOf(state, 'method'), 'counts').meta).toEqual({ rounds: 3, trainings: 7 })
  })

  it('closes a round that nobody answered', async () => {
    const { server, method } = halvesOf(config)
    const state = server.init(null)
    const plan = server.next(state)
    if (plan === 'done') throw new Error('nothing to do')
    expect(method.closesEmpty).toBe(true)
    const closed = await server.close(state, plan, { groups: {}, reporters: [], population: 3 })
    expect(partOf(closed.state, 'counts').meta).toEqual({ rounds: 1, trainings: 0 })
  })
})

describe('a client of local-only', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('predicts with what it would export', async () => {
    const { memories } = await run()
    const memory = memories.get(1)!
    const expected = logitsOf(config, exported(config, memory), clients[1]!)
    for (const from of [plannedFirst(config), releasedFirst(config)])
      expect(logitsBy(config, { ...from, memory }, clients[1]!)).toEqual(expected)
    expect(expected).not.toEqual(logitsOf(config, firstOf(config), clients[1]!))
  })

  it('that was never selected has nothing to export, and predicts with the first params', async () => {
    const { memories, state } = await run({ cohortOf: () => [0, 2] })
    expect(memories.has(1)).toBe(false)
    const expected = logitsOf(config, firstOf(config), clients[1]!)
    const { bundle: shared } = halvesOf(config).server.released(partOf(state, 'method'))
    for (const from of [plannedFirst(config), releasedFirst(config), { shared }])
      expect(logitsBy(config, from, clients[1]!)).toEqual(expected)
  })

  it('begins with the params that the run starts from', async () => {
    const model = modelOf(config)
    const start = paramsBundle(model, model.init(createStreams(99)('init', 0, 0)))
    const started = { ...config, startFrom: bundleHash(start) }
    const expected = logitsOf(config, model.init(createStreams(99)('init', 0, 0)), clients[1]!)
    for (const from of [plannedFirst(started, start), releasedFirst(started, start)])
      expect(logitsBy(started, from, clients[1]!)).toEqual(expected)
    const begun = await run({ config: started, startFrom: start, cohortOf: () => [1] })
    const seeded = await run({ cohortOf: () => [1] })
    expect(exportedHash(config, begun.memories.get(1)!)).not.toBe(
      exportedHash(config, seeded.memories.get(1)!),
    )
  })
})
