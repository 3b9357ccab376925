import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, partOf } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { describeMethod } from '#testing/method-conformance.js'
import { moonGradient } from '#testing/moon-reference.js'
import { naiveMean, naiveTraining, type Vector } from '#testing/naive-training.js'
import {
  exported,
  firstOf,
  halvesOf,
  logitsBy,
  logitsOf,
  LOST,
  NET,
  numbers,
  perceptronRun,
  plannedFirst,
  releasedFirst,
} from '#testing/personal-lab.js'
import { runRoundsInMemory, type InMemoryRun } from '#testing/run-rounds-in-memory.js'
import { plainRows, tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { hyper } from './hyper.js'
import { layersIn } from './layers.js'

describeMethod('fedper')

const clients = tinyClients([3, 6, 5])
const config = perceptronRun('fedper')
/** dense1: 4 × 5 weights and 5 biases; head: 5 × 3 weights and 3 biases. */
const [BASE, ALL] = [25, 43]
const run = (rest: Partial<InMemoryRun> = {}) => runRoundsInMemory({ config, clients, ...rest })

/**
 * FedPer as its pseudocode says, in plain loops: who takes part, round by round. Without its contrastive term the loss of the
 * reference is the cross-entropy.
 */
function naiveFedPer(
  cohorts: readonly (readonly number[])[],
  counts: (round: number, slot: number) => boolean,
) {
  const streams = createStreams(config.seed)
  const first = [...firstOf(config)]
  const loss = { net: NET, mu: 0, temperature: 1, received: first, previous: first }
  let shared: Vector = first.slice(0, BASE)
  const own = new Map<number, Vector>()
  cohorts.forEach((cohort, i) => {
    const answers = cohort.map((slot) => {
      const client = plainRows(clients[slot]!)
      const w = naiveTraining({
        ...{ start: [...shared, ...(own.get(slot) ?? first).slice(BASE)], client, streams },
        ...{ round: i + 1, slot, localEpochs: 2, batchSize: 4, learningRate: 0.2 },
        gradient: (at, batch) => moonGradient(at, batch, loss),
      })
      return { slot, n: client.rows.length, w }
    })
    const counted = answers.filter(({ slot }) => counts(i + 1, slot))
    for (const { slot, w } of counted) own.set(slot, w)
    shared = naiveMean(counted, BASE)
  })
  return { shared, own }
}

describe('fedper', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('agrees with the naive reference, with changing cohorts and updates that do not count', async () => {
    const cohorts = [
      [0, 1],
      [1, 2],
      [0, 1, 2],
      [0, 2],
    ]
    const counts = (round: number, slot: number) => !(round === 3 && slot === 1)
    const { memories, released } = await run({
      config: { ...config, rounds: 4 },
      cohortOf: (round) => cohorts[round - 1]!,
      fateOf: (round, slot) => (counts(round, slot) ? 'accepted' : 'refused'),
    })
    const expected = naiveFedPer(cohorts, counts)
    numbers(released).forEach((value, i) => expect(value).toBeCloseTo(expected.shared[i]!, 4))
    for (const [slot, own] of expected.own)
      exported(config, memories.get(slot)!).forEach((value, i) =>
        expect(value).toBeCloseTo(own[i]!, 4),
      )
    expect([...memories.keys()].toSorted()).toEqual([0, 1, 2])
  })

  it('with no personal layer averages as fedavg does, bit for bit', async () => {
    const fedavg = await run({ config: perceptronRun('fedavg') })
    const none = await run({ config: perceptronRun('fedper', { personalLayers: 0 }) })
    expect(bundleHash(none.released)).toBe(bundleHash(fedavg.released))
    expect(numbers(none.released)).toHaveLength(ALL)
  })

  it('sends the base alone, and gets no more', async () => {
    const { rounds } = await run()
    const names = ['dense1/kernel', 'dense1/bias']
    expect(rounds[2]!.plan.shared.tensors.map(({ name }) => name)).toEqual(names)
    expect(
      rounds[2]!.plan.uplink.map(({ name, tensors, maxBytes }) => [
        name,
        tensors.map((one) => one.name),
        maxBytes,
      ]),
    ).toEqual([['delta', names, 4 * BASE]])
    expect(numbers(rounds[2]!.released)).toHaveLength(BASE)
  })

  it('lets the last layers of clients grow apart, each with its own', async () => {
    const { memories } = await run()
    const heads = [0, 1, 2].map((slot) => exported(config, memories.get(slot)!).subarray(BASE))
    expect(heads[0]).not.toEqual(heads[1])
    expect(heads[1]).not.toEqual(heads[2])
  })

  it.each(LOST)('keeps the layers it had when its update was %s', async (fate) => {
    const lost = await run({
      fateOf: (round, slot) => (round === 3 && slot === 1 ? fate : 'accepted'),
    })
    const before = await run({ config: { ...config, rounds: 2 } })
    expect(bundleHash(lost.memories.get(1)!)).toBe(bundleHash(before.memories.get(1)!))
  })
})

describe('a client of fedper', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('predicts with the shared base and its own last layers', async () => {
    const { memories, released: shared } = await run()
    const memory = memories.get(1)!
    const mixed = Float32Array.from([
      ...numbers(shared),
      ...exported(config, memory).subarray(BASE),
    ])
    expect(logitsBy(config, { shared, memory }, clients[1]!)).toEqual(
      logitsOf(config, mixed, clients[1]!),
    )
  })

  it('would export the model that it trained: that is what predicts where the base is its own', async () => {
    const { memories, released } = await run()
    const memory = memories.get(1)!
    const trained = exported(config, memory)
    expect(trained.subarray(0, BASE)).not.toEqual(Float32Array.from(numbers(released)))
    const { base } = layersIn(modelOf(config), 1)!
    const shared = paramsBundle(base, trained.slice(0, BASE))
    expect(logitsBy(config, { shared, memory }, clients[1]!)).toEqual(
      logitsOf(config, trained, clients[1]!),
    )
  })

  it('that was never selected predicts with the shared base and the layers that all begin with', async () => {
    const { memories, released: shared, state } = await run({ cohortOf: () => [0, 2] })
    expect(memories.has(1)).toBe(false)
    const mixed = Float32Array.from([...numbers(shared), ...firstOf(config).subarray(BASE)])
    const { assets } = halvesOf(config).server.released(partOf(state, 'method'))
    expect(assets).toEqual({})
    expect(logitsBy(config, { shared }, clients[1]!)).toEqual(logitsOf(config, mixed, clients[1]!))
    // Nobody has trained anything yet.
    for (const from of [plannedFirst(config), releasedFirst(config)])
      expect(logitsBy(config, from, clients[1]!)).toEqual(
        logitsOf(config, firstOf(config), clients[1]!),
      )
  })

  it('begins with the layers of the bundle that the run starts from', () => {
    const model = modelOf(config)
    const params = model.init(createStreams(99)('init', 0, 0))
    const start = paramsBundle(model, params)
    const started = { ...config, startFrom: bundleHash(start) }
    for (const from of [plannedFirst(started, start), releasedFirst(started, start)])
      expect(logitsBy(started, from, clients[1]!)).toEqual(logitsOf(config, params, clients[1]!))
  })
})

describe('the personal layers of fedper', () => {
  const baseOf = (personalLayers: number | string, hidden: readonly number[]) => {
    const model = { name: 'mlp', hidden: [...hidden], activation: 'softplus' }
    const { server } = halvesOf(
      tinyConfig((base) => withMethod('fedper', { personalLayers })({ ...base, model })),
    )
    return server.released(server.init(null)).bundle.tensors.map(({ name }) => name)
  }

  it('are counted from the last, or named by the first of them', () => {
    const [first, second, head] = ['dense1', 'dense2', 'head'].map((name) => [
      `${name}/kernel`,
      `${name}/bias`,
    ])
    expect(hyper.parse({})).toEqual({ personalLayers: 1 })
    expect(baseOf(1, [3, 2])).toEqual([...first!, ...second!])
    expect(baseOf('head', [3, 2])).toEqual([...first!, ...second!])
    expect(baseOf(2, [3, 2])).toEqual(first)
    expect(baseOf('dense2', [3, 2])).toEqual(first)
    expect(baseOf(0, [3, 2])).toEqual([...first!, ...second!, ...head!])
  })

  it.each([[2], [7], ['dense1'], ['dense9'], ['']])(
    'cannot be %j of a model of two layers',
    (personalLayers) => {
      const impossible = perceptronRun('fedper', { personalLayers })
      if (personalLayers === '')
        return expect(hyper.safeParse({ personalLayers }).success).toBe(false)
      expect(() => assertPossible(impossible)).toThrow(
        expect.objectContaining({
          code: 'config/impossible',
          message: expect.stringMatching(
            /at least the first layer of mlp, dense1.*those are head/,
          ) as string,
        }),
      )
      expect(() => halvesOf(impossible)).toThrow(
        expect.objectContaining({ code: 'config/impossible' }),
      )
    },
  )

  it('need a model of more than one layer', () => {
    expect(() =>
      assertPossible(tinyConfig((base) => ({ ...base, method: { name: 'fedper' } }))),
    ).toThrow(/there are none/)
    expect(() => assertPossible(config)).not.toThrow()
  })
})
