import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, payloadFloat32, type Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { assertPossible, methodSetup, modelOf } from '#algorithms/from-config.js'
import { fedavgClient } from '#algorithms/methods/fedavg/client.js'
import type { PerformInput } from '#algorithms/methods/method.js'
import { backboneLayout } from '#algorithms/models/backbone.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { numbersOf } from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { cosine, moonFeatures, runMoon } from '#testing/moon-reference.js'
import { runRoundsInMemory, type InMemoryRun } from '#testing/run-rounds-in-memory.js'
import { plainRows, tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { moonClient } from './client.js'
import { hyper, type MoonHyper } from './hyper.js'

describeMethod('moon')

const clients = tinyClients([3, 6, 5])
const HIDDEN = 5
const NET = { inputs: 4, hidden: HIDDEN, classes: 3 }
/** dense1: 4 × 5 weights and 5 biases. */
const EXTRACTOR = 25

const withMlp = (config: RunConfig): RunConfig => ({
  ...config,
  model: { name: 'mlp', hidden: [HIDDEN], activation: 'softplus' },
})
const moonConfig = (options: JsonObject = {}, change: Partial<RunConfig> = {}): RunConfig =>
  tinyConfig((base) => withMethod('moon', options)(withMlp({ ...base, ...change })))
const run = (config: RunConfig, rest: Partial<InMemoryRun> = {}) =>
  runRoundsInMemory({ config, clients, ...rest })

/** A client on its own, with the setup of a configuration. */
function lab(config: RunConfig) {
  const setup = methodSetup(config)
  const { model } = setup
  const draw = (seed: number): Float32Array => model.init(createStreams(seed)('init', 0, 0))
  const input = (memory: Bundle | null, shared = draw(config.seed)): PerformInput => ({
    ...{ round: 2, slot: 1, task: {}, shared: paramsBundle(model, shared), assets: {} },
    ...{ personal: null, data: clients[1]!, memory, uplink: [] },
  })
  const half = moonClient({ ...setup, hyper: hyper.parse(hyperIn(config)) })
  return { setup, draw, input, half, layout: backboneLayout(model) }
}
const hyperIn = ({ method: { name: _name, ...options } }: RunConfig): Partial<MoonHyper> => options

describe('moon', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('has the defaults of the authors’ code', () => {
    expect(hyper.parse({})).toEqual({ mu: 1, temperature: 0.5 })
    expect(hyper.safeParse({ temperature: 0 }).success).toBe(false)
    expect(hyper.safeParse({ mu: -1 }).success).toBe(false)
  })

  it('with mu = 0 is fedavg, bit for bit, and remembers nothing', async () => {
    const fedavg = await run(tinyConfig(withMlp))
    const moon = await run(moonConfig({ mu: 0 }))
    expect(bundleHash(moon.released)).toBe(bundleHash(fedavg.released))
    expect(moon.memories.size).toBe(0)
    expect(moon.rounds.at(-1)!.clientMetrics).toEqual(fedavg.rounds.at(-1)!.clientMetrics)
  })

  it('trains a client without memory as fedavg does, bit for bit: the term is log 2', async () => {
    const [fedavg, moon] = [await run(tinyConfig(withMlp)), await run(moonConfig({ mu: 3 }))]
    expect(bundleHash(moon.rounds[0]!.released)).toBe(bundleHash(fedavg.rounds[0]!.released))
    expect(bundleHash(moon.rounds[1]!.released)).not.toBe(bundleHash(fedavg.rounds[1]!.released))
    for (const [slot, { loss }] of fedavg.rounds[0]!.clientMetrics) {
      const contrasted = moon.rounds[0]!.clientMetrics.get(slot)!['loss']!
      expect(contrasted).toBeCloseTo(loss! + 3 * Math.LN2, 6)
    }
  })

  it.each(['refused', 'abandoned'] as const)(
    'trains a client whose only update was %s as fedavg does, bit for bit',
    async (fate) => {
      const config = moonConfig({}, { rounds: 2 })
      const fateOf = (round: number, slot: number) =>
        round === 1 && slot === 1 ? fate : ('accepted' as const)
      const { rounds, memories } = await run(config, { fateOf })
      const { setup, input, layout } = lab(config)
      const fedavg = await fedavgClient(setup).perform({
        ...input(null),
        shared: rounds[1]!.plan.shared,
      })
      const extractor = fedavg.local!.subarray(0, EXTRACTOR)
      expect(bundleHash(memories.get(1)!)).toBe(bundleHash(paramsBundle(layout, extractor)))
      const { loss, steps } = rounds[1]!.clientMetrics.get(1)!
      expect([loss! - Math.LN2, steps]).toEqual([
        expect.closeTo(fedavg.metrics['loss']!, 12),
        fedavg.metrics['steps'],
      ])
    },
  )

  it('agrees with the naive reference, with changing cohorts and updates that do not count', async () => {
    const config = moonConfig({ mu: 2, temperature: 0.4 }, { rounds: 5 })
    const cohortOf = (round: number) =>
      [
        [0, 1, 2],
        [0, 2],
        [1, 2],
        [0, 1],
        [0, 1, 2],
      ][round - 1]!
    const counts = (round: number, slot: number) => !(slot === 2 && round === 3)
    const { rounds } = await run(config, {
      cohortOf,
      fateOf: (round, slot) => (counts(round, slot) ? 'accepted' : 'refused'),
    })
    const streams = createStreams(config.seed)
    const expected = runMoon({
      ...{ net: NET, mu: 2, temperature: 0.4, clients: clients.map(plainRows), streams },
      start: [...modelOf(config).init(streams('init', 0, 0))],
      ...{ rounds: 5, localEpochs: 2, batchSize: 4, learningRate: 0.2, cohortOf, counts },
    })
    rounds.forEach(({ released, clientMetrics }, i) => {
      const { params, losses } = expected[i]!
      numbersOf(released).forEach((value, j) =>
        expect(Math.abs(value - params[j]!)).toBeLessThan(2e-5),
      )
      expect([...clientMetrics.keys()]).toEqual([...losses.keys()])
      for (const [slot, { loss }] of clientMetrics) expect(loss).toBeCloseTo(losses.get(slot)!, 4)
    })
  })

  it('pulls features towards those of the received model and away from those of last time', async () => {
    const nearness = async (mu: number) => {
      const { half, draw, input, layout } = lab(moonConfig({ mu }))
      const [received, previous] = [draw(7), draw(8)]
      const memory = paramsBundle(layout, previous.subarray(0, EXTRACTOR))
      const { local } = await half.perform(input(memory, received))
      const { rows } = plainRows(clients[1]!)
      const features = (w: Float32Array) => rows.map((row) => moonFeatures(NET, [...w], row))
      const [own, to, from] = [local!, received, previous].map(features)
      return rows.reduce(
        (sum, _, i) => sum + cosine(own![i]!, to![i]!) - cosine(own![i]!, from![i]!),
        0,
      )
    }
    const [free, held, tight] = [await nearness(0), await nearness(1), await nearness(5)]
    expect(held).toBeGreaterThan(free)
    expect(tight).toBeGreaterThan(held)
  })
})

describe('the memory of moon', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('is the extractor that the client trained', async () => {
    const { half, input } = lab(moonConfig())
    const { pending, local } = await half.perform(input(null))
    expect([...payloadFloat32(pending!)]).toEqual([...local!.subarray(0, EXTRACTOR)])
  })

  it('changes with every update that counts, and with no other', async () => {
    const memoryAfter = async (rounds: number, lost: number | null = null) => {
      const { memories } = await run(moonConfig({}, { rounds }), {
        fateOf: (round, slot) => (slot === 1 && round === lost ? 'refused' : 'accepted'),
      })
      return memories.get(1) === undefined ? null : bundleHash(memories.get(1)!)
    }
    expect(await memoryAfter(1, 1)).toBeNull()
    const [first, second] = [await memoryAfter(1), await memoryAfter(2)]
    expect(second).not.toBe(first)
    expect(await memoryAfter(2, 2)).toBe(first)
  })

  it('leaves no tensors behind when it was used', async () => {
    const { half, input } = lab(moonConfig())
    const { pending } = await half.perform(input(null))
    const before = tf.memory().numTensors
    await half.perform(input(pending))
    expect(tf.memory().numTensors).toBe(before)
  })

  it('of another model is refused', async () => {
    const { half, input } = lab(moonConfig())
    const other = modelOf(tinyConfig((base) => ({ ...base, model: { name: 'mlp', hidden: [2] } })))
    const params = other.init(createStreams(1)('init', 0, 0))
    await expect(half.perform(input(paramsBundle(other, params)))).rejects.toMatchObject({
      code: 'model/does-not-fit',
    })
  })
})

describe('models for moon', () => {
  it('have features before the head: a logistic model is refused, with the reason', () => {
    const logistic = { ...moonConfig(), model: { name: 'logistic' } }
    expect(() => assertPossible(logistic)).toThrow(
      expect.objectContaining({
        code: 'config/impossible',
        message: expect.stringMatching(
          /before the head of logistic there is nothing that learns/,
        ) as string,
      }),
    )
    expect(() => assertPossible(moonConfig())).not.toThrow()
  })
})
