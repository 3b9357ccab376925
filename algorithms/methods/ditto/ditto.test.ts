import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { modelOf } from '#algorithms/from-config.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { describeMethod } from '#testing/method-conformance.js'
import { naiveMean, naiveTraining, type Vector } from '#testing/naive-training.js'
import {
  exported,
  exportedHash,
  firstOf,
  halvesOf,
  logitsBy,
  logitsOf,
  LOST,
  numbers,
  plannedFirst,
} from '#testing/personal-lab.js'
import { referenceGradient } from '#testing/reference.js'
import { runRoundsInMemory, type InMemoryRun } from '#testing/run-rounds-in-memory.js'
import {
  CLASSES,
  plainRows,
  tinyClients,
  tinyConfig,
  withMethod,
} from '#testing/tiny-federation.js'
import { hyper } from './hyper.js'

describeMethod('ditto')

const clients = tinyClients([3, 6, 5])
const config = tinyConfig(withMethod('ditto', { lambda: 0.5 }))
const run = (rest: Partial<InMemoryRun> = {}) => runRoundsInMemory({ config, clients, ...rest })

/** Cohorts and fates in which clients differ. */
const COHORTS = [
  [0, 1],
  [1, 2],
  [0, 1, 2],
  [0, 2],
]
const cohortOf = (round: number) => COHORTS[round - 1]!
const counts = (round: number, slot: number) => !(round === 3 && slot === 1)
const fateOf = (round: number, slot: number) => (counts(round, slot) ? 'accepted' : 'refused')
const busy = { cohortOf, fateOf } as const

/** Ditto as its pseudocode says, in plain loops. */
function naiveDitto({
  lambda,
  personalEpochs,
}: {
  readonly lambda: number
  readonly personalEpochs: number
}) {
  const streams = createStreams(config.seed)
  const first: Vector = [...firstOf(config)]
  let w = first
  const own = new Map<number, Vector>()
  COHORTS.forEach((cohort, i) => {
    const answers = cohort.map((slot) => {
      const client = plainRows(clients[slot]!)
      const common = { client, streams, round: i + 1, slot, batchSize: 4, learningRate: 0.2 }
      const received = w
      const v = naiveTraining({
        ...{ ...common, start: own.get(slot) ?? first, localEpochs: personalEpochs },
        gradient: (at, batch) =>
          referenceGradient([...at], batch, CLASSES.length).map(
            (value, j) => value + lambda * (at[j]! - received[j]!),
          ),
      })
      own.set(slot, v)
      const local = naiveTraining({
        ...{ ...common, start: w, localEpochs: 2 },
        gradient: (at, batch) => referenceGradient([...at], batch, CLASSES.length),
      })
      return { slot, n: client.rows.length, w: local }
    })
    w = naiveMean(
      answers.filter(({ slot }) => counts(i + 1, slot)),
      first.length,
    )
  })
  return { w, own }
}

describe('ditto', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('has the weakest pull of those that the authors’ code tries, and as many passes as the other training', () => {
    expect(hyper.parse({})).toEqual({ lambda: 0.1, personalEpochs: null })
    expect(hyper.safeParse({ lambda: -1 }).success).toBe(false)
    expect(hyper.safeParse({ personalEpochs: 0 }).success).toBe(false)
  })

  it.each([
    { lambda: 0.5, personalEpochs: 2 },
    { lambda: 2, personalEpochs: 3 },
  ])('agrees with the naive reference: $lambda, $personalEpochs', async (options) => {
    const own = { ...tinyConfig(withMethod('ditto', options)), rounds: COHORTS.length }
    const { memories, released } = await run({ config: own, ...busy })
    const expected = naiveDitto(options)
    numbers(released).forEach((value, i) => expect(value).toBeCloseTo(expected.w[i]!, 5))
    expect(memories.size).toBe(expected.own.size)
    for (const [slot, v] of expected.own)
      exported(own, memories.get(slot)!).forEach((value, i) => expect(value).toBeCloseTo(v[i]!, 5))
  })

  it('averages as fedavg does, bit for bit, whatever the personal models do', async () => {
    const fedavg = await run({ config: tinyConfig((base) => ({ ...base, rounds: 4 })), ...busy })
    for (const options of [{}, { lambda: 0 }, { lambda: 3, personalEpochs: 5 }]) {
      const own = { ...tinyConfig(withMethod('ditto', options)), rounds: 4 }
      const { rounds } = await run({ config: own, ...busy })
      expect(rounds.map(({ released }) => bundleHash(released))).toEqual(
        fedavg.rounds.map(({ released }) => bundleHash(released)),
      )
      for (const [i, { clientMetrics }] of rounds.entries())
        for (const [slot, { loss, steps }] of clientMetrics)
          expect({ loss, steps }).toEqual(fedavg.rounds[i]!.clientMetrics.get(slot))
    }
  })

  it('with lambda = 0 has the personal models of local-only, bit for bit', async () => {
    const longer = { rounds: 4 }
    const alone = await run({
      config: { ...tinyConfig(withMethod('local-only')), ...longer },
      ...busy,
    })
    const free = { ...tinyConfig(withMethod('ditto', { lambda: 0 })), ...longer }
    const { memories } = await run({ config: free, ...busy })
    expect([...memories].map(([slot, memory]) => [slot, bundleHash(memory)])).toEqual(
      [...alone.memories].map(([slot, memory]) => [slot, bundleHash(memory)]),
    )
    const held = await run({ config: { ...config, ...longer }, ...busy })
    expect(exportedHash(config, held.memories.get(1)!)).not.toBe(
      exportedHash(config, memories.get(1)!),
    )
  })

  it('keeps personal models nearer to what clients received, the larger lambda is', async () => {
    const distance = async (lambda: number) => {
      const own = tinyConfig(withMethod('ditto', { lambda }))
      const { memories, rounds } = await run({ config: own })
      const received = numbers(rounds[2]!.plan.shared)
      const v = exported(own, memories.get(1)!)
      return Math.hypot(...received.map((value, i) => value - v[i]!))
    }
    const [free, held, tight] = [await distance(0), await distance(1), await distance(4)]
    expect(held).toBeLessThan(free)
    expect(tight).toBeLessThan(held)
  })

  it.each(LOST)('keeps the personal model when the update was %s', async (fate) => {
    const lastLost = (round: number, slot: number) =>
      round === 3 && slot === 1 ? fate : 'accepted'
    const [all, lost] = [await run(), await run({ fateOf: lastLost })]
    expect(exportedHash(config, lost.memories.get(1)!)).toBe(
      exportedHash(config, all.memories.get(1)!),
    )
    expect(halvesOf(config).client.told!(lost.memories.get(1)!)).toEqual({ 'kept/3': 1 })
  })

  it('tells of both trainings as of one', async () => {
    const passes = tinyConfig(withMethod('ditto', { personalEpochs: 3 }))
    const told: (readonly [number, number])[] = []
    const { metrics } = await halvesOf(passes).client.perform({
      ...{ round: 1, slot: 1, task: {}, ...plannedFirst(passes), personal: null },
      ...{ data: clients[1]!, uplink: [], onStep: (done, total) => void told.push([done, total]) },
    })
    // 6 examples in batches of 4: two steps a pass.
    expect(told).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, 10]))
    expect([metrics['steps'], metrics['personal/steps']]).toEqual([4, 6])
  })
})

describe('a client of ditto', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('predicts with what it would export', async () => {
    const { memories, released: shared } = await run()
    const memory = memories.get(1)!
    expect(logitsBy(config, { shared, memory }, clients[1]!)).toEqual(
      logitsOf(config, exported(config, memory), clients[1]!),
    )
  })

  it('that was never selected predicts with the shared params', async () => {
    const { memories, released } = await run({ cohortOf: () => [0, 2] })
    expect(memories.has(1)).toBe(false)
    for (const { shared } of [plannedFirst(config), { shared: released }])
      expect(logitsBy(config, { shared }, clients[1]!)).toEqual(
        logitsOf(config, Float32Array.from(numbers(shared)), clients[1]!),
      )
  })

  it('begins its own model with the params of the run, however late it is asked', async () => {
    const model = modelOf(config)
    const start = paramsBundle(model, model.init(createStreams(99)('init', 0, 0)))
    const startFrom = bundleHash(start)
    const late = (name: string): Partial<InMemoryRun> => ({
      config: { ...tinyConfig(withMethod(name, name === 'ditto' ? { lambda: 0 } : {})), startFrom },
      startFrom: start,
      cohortOf: (round) => (round < 3 ? [0, 2] : [0, 1, 2]),
    })
    const [ditto, alone] = [await run(late('ditto')), await run(late('local-only'))]
    expect(bundleHash(ditto.memories.get(1)!)).toBe(bundleHash(alone.memories.get(1)!))
  })
})
