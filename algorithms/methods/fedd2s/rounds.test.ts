/** Whole runs of the profile `features`. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, int32Of, makeBundle, partOf, tensorsOf } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { ClientData, Examples } from '#data/dataset.js'
import { methodOf, serverSetup } from '#algorithms/from-config.js'
import type { ClientHalf } from '#algorithms/methods/method.js'
import { paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { batchOf } from '#algorithms/training/batch.js'
import { CLIENTS, fedd2sLab, type LabOptions } from '#testing/fedd2s-lab.js'
import { fedd2sConfig, fedd2sRun, fedd2sServerLab, ownParams } from '#testing/fedd2s-rounds.js'
import { runRoundsInMemory, type InMemoryResult } from '#testing/run-rounds-in-memory.js'
import { tinyClients } from '#testing/tiny-federation.js'
import type { FedD2SSetup } from './architectures.js'

const SLOTS = [0, 1, 2]
const EVEN: LabOptions = { hyper: { interval: 1 } }
const config = fedd2sServerLab().config
/** Rounds may close without an update. */
const mayBeEmpty = { cohort: { ...config.cohort, minReporters: 0 } }

const memoryHash = ({ memories }: InMemoryResult, slot: number): string | null => {
  const memory = memories.get(slot)
  return memory === undefined ? null : bundleHash(memory)
}
const headsHash = ({ rounds }: InMemoryResult, round = rounds.length): string =>
  bundleHash(makeBundle(tensorsOf(partOf(rounds[round - 1]!.state, 'method'))))
const labelRounds = ({ memories }: InMemoryResult, slot: number): readonly number[] => [
  ...int32Of(memories.get(slot)!, 'softLabelRounds'),
]
const everything = (result: InMemoryResult) => ({
  heads: headsHash(result),
  own: SLOTS.map((slot) => memoryHash(result, slot)),
})
/** The same examples, all of one class. */
const ofOneClass = (client: ClientData, label = 1): ClientData => {
  const { source } = client.train
  const labels = source.labels.map(() => label)
  const one = { ...source, labels }
  return {
    ...client,
    ...{ train: { ...client.train, source: one }, test: { ...client.test, source: one } },
  }
}
const isFinite = (result: InMemoryResult): boolean =>
  [...result.memories.values(), partOf(result.state, 'method')]
    .flatMap(tensorsOf)
    .every(({ data }) => data.every((value) => Number.isFinite(value))) &&
  result.rounds.every(({ metrics, clientMetrics }) =>
    [metrics, ...clientMetrics.values()].every((one) => Object.values(one).every(Number.isFinite)),
  )

const FACTS = { rows: Int32Array.of(0), domains: null }
/** Logits of a client without memory. */
function saidBy(half: ClientHalf, examples: Examples): readonly number[] {
  const handle = half.predictor({ shared: makeBundle([]), assets: {}, memory: null, slot: 2 })!
  const said = tf.tidy(() => [...handle.predict(batchOf(examples, [0, 1]).x, FACTS).dataSync()])
  handle.dispose()
  return said
}
const firstSaid = ({ model, streams }: FedD2SSetup, examples: Examples): readonly number[] =>
  tf.tidy(() => {
    const first = toTensors(model, model.init(streams('init', 0, 0)))
    return [...model.forward(first, batchOf(examples, [0, 1]).x).dataSync()]
  })

describe('a run of fedd2s', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('walks the cuts, and clients learn from what came back', async () => {
    const { rounds } = await fedd2sRun(EVEN)
    expect(rounds.map(({ plan }) => plan.task['cut'])).toEqual(['dense3', 'dense2', 'dense1'])
    expect(rounds.map(({ metrics }) => metrics['cut'])).toEqual([3, 2, 1])
    const shares = rounds.map(({ clientMetrics }) => clientMetrics.get(1)!['softLabels'])
    expect(shares).toEqual([0, 1, 1])
  })

  it('I11: who does not take part in a round has the same model and soft labels after it', async () => {
    const options = (rounds: number) => ({ hyper: { interval: 1 }, change: { rounds } })
    const cohortOf = (round: number) => (round === 3 ? [0, 1] : SLOTS)
    const [before, after] = [
      await fedd2sRun(options(2), { cohortOf }),
      await fedd2sRun(options(3), { cohortOf }),
    ]
    expect(memoryHash(after, 2)).toBe(memoryHash(before, 2))
    expect(memoryHash(after, 1)).not.toBe(memoryHash(before, 1))
  })

  it('I12: the order in which clients are asked and answer makes no difference', async () => {
    const inOrder = everything(await fedd2sRun(EVEN))
    const arrival = (slots: readonly number[]) => slots.toReversed()
    const other = await fedd2sRun(EVEN, { cohortOf: () => [2, 0, 1], arrival })
    expect(everything(other)).toEqual(inOrder)
  })

  it('I19: clients with the same data and one full batch have the same model after every round', async () => {
    const [one] = CLIENTS as [ClientData]
    const batch = { ...config.training, batchSize: 100 }
    for (const rounds of [1, 2, 3]) {
      const options = { ...EVEN, change: { rounds, training: batch } }
      const result = await fedd2sRun(options, { clients: [one, one, one] })
      const [first, ...others] = SLOTS.map((slot) => ownParams(options, result, slot))
      for (const own of others)
        own.forEach((value, i) => expect(Math.abs(value - first![i]!)).toBeLessThan(1e-5))
    }
  })

  it('I21: the same seed gives the same logs, another seed others', async () => {
    const logOf = async (seed: number) =>
      (await fedd2sRun({ ...EVEN, change: { seed } })).rounds.map(({ metrics, clientMetrics }) => [
        metrics,
        ...clientMetrics,
      ])
    const log = await logOf(7)
    expect(await logOf(7)).toEqual(log)
    expect(await logOf(8)).not.toEqual(log)
  })

  it('I9: with λ_c = 0 every client has the model of training alone, while the head goes on learning', async () => {
    const options: LabOptions = { hyper: { interval: 1, clientDivergence: 0 } }
    const cohortOf = (round: number) => (round === 2 ? [0, 2] : SLOTS)
    const result = await fedd2sRun(options, { cohortOf })
    const alone = await runRoundsInMemory({
      config: { ...fedd2sConfig(options), method: { name: 'local-only' } },
      clients: CLIENTS,
      cohortOf,
    })
    const { model } = fedd2sServerLab().setup
    for (const slot of SLOTS)
      expect(ownParams(options, result, slot)).toEqual([
        ...paramsOf(model, alone.memories.get(slot)!),
      ])
    expect(headsHash(result, 2)).not.toBe(headsHash(result, 1))
    expect(headsHash(result, 3)).not.toBe(headsHash(result, 2))
  })

  it('I22: a round that nobody’s upload reaches leaves heads and soft labels, and the cut moves on', async () => {
    const options = { ...EVEN, change: { ...mayBeEmpty, rounds: 3 } }
    const lost = await fedd2sRun(options, {
      fateOf: (round) => (round === 2 ? 'abandoned' : 'accepted'),
    })
    expect(lost.rounds[1]!.reporters).toEqual([])
    expect(headsHash(lost, 2)).toBe(headsHash(lost, 1))
    expect(lost.rounds.map(({ plan }) => plan.task['cut'])).toEqual(['dense3', 'dense2', 'dense1'])
    // What came back in the first round is what there still is in the third.
    expect(labelRounds(lost, 1)).toEqual(new Array(6).fill(0))
  })

  it('I23: nothing becomes NaN with a client of one class, or with none but such clients', async () => {
    const [a, b, c] = CLIENTS as [ClientData, ClientData, ClientData]
    const training = { ...config.training, localEpochs: 8 }
    const change = { rounds: 4, training }
    for (const hyper of [{}, { transfer: 'headDownload' }, { rows: 'class-means' }]) {
      const options = { hyper: { interval: 1, ...hyper }, change }
      const mixed = await fedd2sRun(options, { clients: [a, ofOneClass(b), c] })
      const alone = await fedd2sRun(options, { clients: CLIENTS.map((one) => ofOneClass(one)) })
      expect(isFinite(mixed)).toBe(true)
      expect(isFinite(alone)).toBe(true)
    }
  })

  it('D1: a client of one class trains and sends as all do', async () => {
    const [a, b, c] = CLIENTS as [ClientData, ClientData, ClientData]
    const { rounds } = await fedd2sRun(EVEN, { clients: [a, ofOneClass(b), c] })
    expect(rounds.map(({ metrics }) => metrics['samples'])).toEqual([14, 14, 14])
    const losses = rounds.map(({ clientMetrics }) => clientMetrics.get(1)!['crossEntropy']!)
    expect(losses[2]).toBeLessThan(losses[0]!)
  })

  it('I24: a round leaves no tensors behind', async () => {
    for (const hyper of [{}, { transfer: 'headDownload' }, { profile: 'models' }]) {
      const options = { hyper: { interval: 50, ...hyper }, change: { rounds: 4 } }
      const held: number[] = []
      await fedd2sRun(options, {
        cohortOf: () => {
          held.push(tf.memory().numTensors)
          return SLOTS
        },
      })
      expect(new Set(held).size, JSON.stringify(hyper)).toBe(1)
    }
  })

  it('I25: a fixed cut is a moving one that never leaves its first, bit for bit', async () => {
    const change = { rounds: 3 }
    const fixed = await fedd2sRun({
      ...{ hyper: { schedule: 'fixed', cuts: ['dense2'] }, change },
    })
    const still = await fedd2sRun({
      ...{ hyper: { cuts: ['dense2', 'dense1'], interval: 3 }, change },
    })
    expect(still.rounds.map(({ metrics }) => metrics)).toEqual(
      fixed.rounds.map(({ metrics }) => metrics),
    )
    expect(still.rounds.map(({ clientMetrics }) => clientMetrics)).toEqual(
      fixed.rounds.map(({ clientMetrics }) => clientMetrics),
    )
    expect(everything(still).own).toEqual(everything(fixed).own)
    const [small, large] = [fixed, still].map(({ state }) => [
      ...partOf(partOf(state, 'method'), state === fixed.state ? '0-0' : '0-1').payload,
    ])
    expect(large!.slice(-small!.length)).toEqual(small)
  })

  it('headDownload sends no answers, and clients learn from the head from their second time on', async () => {
    const options = { hyper: { transfer: 'headDownload', interval: 50 } }
    const headed = await fedd2sRun(options)
    expect(headed.memories.get(0)!.tensors.some(({ name }) => name === 'softLabels')).toBe(false)
    const alone = await fedd2sRun({ hyper: { ...options.hyper, clientDivergence: 0 } })
    const once = { change: { rounds: 1 } }
    const [first, firstAlone] = [
      await fedd2sRun({ ...options, ...once }),
      await fedd2sRun({ hyper: { ...options.hyper, clientDivergence: 0 }, ...once }),
    ]
    expect(ownParams(options, first, 1)).toEqual(ownParams(options, firstAlone, 1))
    expect(ownParams(options, headed, 1)).not.toEqual(ownParams(options, alone, 1))
  })

  it.each(['features', 'models'])(
    'starts from a bundle, which is an asset of every task (%s)',
    async (profile) => {
      const { model } = fedd2sLab().setup
      const startFrom = paramsBundle(model, model.init(createStreams(99)('init', 0, 0)))
      const hash = bundleHash(startFrom)
      const options = { hyper: { profile }, change: { rounds: 2, startFrom: hash } }
      const started = await fedd2sRun(options, { startFrom })
      expect(started.rounds.map(({ plan }) => plan.assets)).toEqual([
        { first: hash },
        { first: hash },
      ])
      const seeded = await fedd2sRun({ ...options, change: { rounds: 2 } })
      expect(ownParams(options, started, 0)).not.toEqual(ownParams(options, seeded, 0))
      const server = methodOf(fedd2sConfig(options)).server(serverSetup(fedd2sConfig(options)))
      expect(server.released(server.init(startFrom)).assets).toEqual({ first: hash })
    },
  )

  it('trains alone once the federation is over, and sends nothing', async () => {
    const options = { hyper: { stopFederationAfter: 1 }, change: { rounds: 3 } }
    const { rounds, memories } = await fedd2sRun(options)
    expect(rounds.map(({ plan }) => plan.uplink.length)).toEqual([1, 0, 0])
    expect(rounds[2]!.reporters).toEqual(SLOTS)
    expect(memories.size).toBe(3)
    const longer = await fedd2sRun({ ...options, change: { rounds: 4 } })
    expect(memoryHash(longer, 0)).not.toBe(bundleHash(memories.get(0)!))
  })
})

describe('degenerate cases', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('D4: fewer examples than a batch are one smaller batch, and no last batch is dropped', async () => {
    const { rounds } = await fedd2sRun({ ...EVEN, change: { rounds: 1 } })
    // 3, 6 and 5 examples in batches of 4, twice.
    const steps = SLOTS.map((slot) => rounds[0]!.clientMetrics.get(slot)!['steps'])
    expect(steps).toEqual([2, 4, 4])
    expect(rounds[0]!.metrics['samples']).toBe(14)
  })

  it('D5: who is gone before its upload keeps its training, and has no new soft labels', async () => {
    const options = { ...EVEN, change: { rounds: 3 } }
    const fateOf = (round: number, slot: number) =>
      round === 2 && slot === 1 ? ('abandoned' as const) : ('accepted' as const)
    const result = await fedd2sRun(options, { fateOf })
    expect(result.rounds[1]!.reporters).toEqual([0, 2])
    expect(labelRounds(result, 1)).toEqual(new Array(6).fill(0))
    expect(labelRounds(result, 0)).toEqual([1, 1, 1])
    // Its second training is part of its model: without it the third began elsewhere.
    const away = await fedd2sRun(options, { cohortOf: (r) => (r === 2 ? [0, 2] : SLOTS) })
    expect(ownParams(options, result, 1)).not.toEqual(ownParams(options, away, 1))
    expect(result.rounds[2]!.metrics['samples']).toBe(14)
  })

  it('D6: rows of a client that goes after its upload are used; without the reply its soft labels stay', async () => {
    const lab = fedd2sLab({ hyper: { interval: 50 } })
    const { server, closeWith } = fedd2sServerLab({ hyper: { interval: 50 } })
    const first = await closeWith(server.init(null), [{ slot: 1, labels: [0, 1, 2, 0, 1, 2] }])
    expect(first.metrics['samples']).toBe(6)
    const memory = await lab.memoryAfter({ r: 1, personal: first.personal!.get(1)! })
    // The reply of round 1 never came.
    const later = await lab.memoryAfter({ r: 2, memory, personal: null })
    expect([...int32Of(later, 'softLabelRounds')]).toEqual(new Array(6).fill(0))
  })

  it('D7: what comes too late does not count, and its sender keeps what it trained', async () => {
    const options = { ...EVEN, change: { rounds: 1 } }
    const late = await fedd2sRun(options, {
      fateOf: (_round, slot) => (slot === 1 ? 'refused' : 'accepted'),
    })
    const without = await fedd2sRun(options, { cohortOf: () => [0, 2] })
    expect(headsHash(late)).toBe(headsHash(without))
    expect(ownParams(options, late, 1)).toEqual(ownParams(options, await fedd2sRun(options), 1))
  })

  it('D10: who joins late begins with the first params, without soft labels, at the cut of the round', async () => {
    const cohortOf = (round: number) => (round < 3 ? [0, 1] : SLOTS)
    const { rounds, memories } = await fedd2sRun(EVEN, { cohortOf })
    const { clientMetrics, plan } = rounds[2]!
    expect(plan.task['cut']).toBe('dense1')
    expect(clientMetrics.get(2)!['softLabels']).toBe(0)
    const lab = fedd2sLab(EVEN)
    const alone = await lab.memoryAfter({ r: 2, cut: 'dense1', slot: 2, data: CLIENTS[2]! })
    expect(bundleHash(memories.get(2)!)).toBe(bundleHash(alone))
  })

  it('D11: a client that was never asked predicts with the first params', async () => {
    const { memories } = await fedd2sRun(EVEN, { cohortOf: () => [0, 1] })
    expect(memories.has(2)).toBe(false)
    const { half, setup } = fedd2sLab(EVEN)
    const { train } = CLIENTS[2]!
    expect(saidBy(half, train)).toEqual(firstSaid(setup, train))
  })

  it('D3: a client without training examples, too, and it is tested as all are', async () => {
    const { half, setup } = fedd2sLab(EVEN)
    const { test } = CLIENTS[2]!
    expect(saidBy(half, test)).toEqual(firstSaid(setup, test))
    const untrained = { ...CLIENTS[2]!, train: { ...test, indices: new Int32Array(0) } }
    const federated = { ...config.evaluation, federated: true }
    const { rounds } = await fedd2sRun(
      { ...EVEN, change: { evaluation: federated } },
      { clients: [CLIENTS[0]!, CLIENTS[1]!, untrained], cohortOf: () => [0, 1] },
    )
    const last = rounds.at(-1)!
    expect([last.plan.part, last.reporters]).toEqual(['evaluation', [0, 1, 2]])
    expect(last.metrics).toMatchObject({ 'clients/count': 3 })
  })

  it('D12: one client distils from and to itself', async () => {
    const result = await fedd2sRun(EVEN, { clients: CLIENTS.slice(1, 2) })
    expect(result.rounds.map(({ metrics }) => metrics['group/0/clients'])).toEqual([1, 1, 1])
    expect(labelRounds(result, 0)).toEqual(new Array(6).fill(1))
    expect(isFinite(result)).toBe(true)
  })

  it('D13: with one cut nothing is dropped', async () => {
    const { rounds } = await fedd2sRun({ hyper: { cuts: ['dense2'] }, change: { rounds: 4 } })
    expect(rounds.map(({ metrics }) => metrics['cut'])).toEqual([2, 2, 2, 2])
    expect(rounds.map(({ plan }) => plan.task['isStageStart'])).toEqual([true, false, false, false])
  })

  it('D14: an interval as long as the run is a fixed cut', async () => {
    const { rounds } = await fedd2sRun({ hyper: { interval: 3 } })
    expect(rounds.map(({ metrics }) => metrics['cut'])).toEqual([3, 3, 3])
  })

  it('D15: a model of two layers has one cut', async () => {
    const { rounds } = await fedd2sRun({ change: { model: { name: 'mlp', hidden: [5] } } })
    expect(rounds.map(({ plan }) => plan.task['cut'])).toEqual(['dense1', 'dense1', 'dense1'])
  })

  it('D17: clients with different models train together, in groups', async () => {
    const hyper = { interval: 1, otherModels: [{ name: 'mlp', hidden: [7, 5, 4] }] }
    const clients = tinyClients([3, 6, 5, 4])
    const result = await fedd2sRun({ hyper }, { clients })
    expect(result.rounds[2]!.metrics).toMatchObject({
      ...{ groups: 2, 'group/0/clients': 2, 'group/1/clients': 2 },
    })
    const sizes = [0, 1, 2, 3].map((slot) => ownParams({ hyper }, result, slot).length)
    expect(sizes).toEqual([104, 7 * 5 + 8 * 5 + 6 * 4 + 15, 104, 114])
    expect(isFinite(result)).toBe(true)
  })
})
