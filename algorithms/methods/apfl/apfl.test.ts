import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
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
import { apfl } from './apfl.js'
import { adapted } from './mixture.js'

describeMethod('apfl')

const clients = tinyClients([3, 6, 5])
const ROUNDS = 4
const configOf = (options: JsonObject = {}, name = 'apfl', clip: number | null = null): RunConfig =>
  tinyConfig((base) => {
    const optimizer = { ...base.training.optimizer, momentum: 0.5, gradientClip: clip }
    const training = { ...base.training, optimizer }
    return withMethod(name, options)({ ...base, training, rounds: ROUNDS })
  })
const plainSgd = (config: RunConfig): RunConfig => {
  const optimizer = { ...config.training.optimizer, momentum: 0 }
  return { ...config, training: { ...config.training, optimizer } }
}
const config = configOf()
const run = (rest: Partial<InMemoryRun> = {}) => runRoundsInMemory({ config, clients, ...rest })

/** Cohorts and fates in which clients differ. */
const COHORTS = [
  [0, 1],
  [1, 2],
  [0, 1, 2],
  [0, 2],
]
const counts = (round: number, slot: number) => !(round === 3 && slot === 1)
const busy: Partial<InMemoryRun> = {
  cohortOf: (round) => COHORTS[round - 1]!,
  fateOf: (round, slot) => (counts(round, slot) ? 'accepted' : 'refused'),
}

const gradientOf = (w: Vector, batch: ReturnType<typeof plainRows>): Vector =>
  referenceGradient([...w], batch, CLASSES.length)
const mix = (alpha: number, v: Vector, w: Vector): Vector =>
  v.map((value, i) => alpha * value + (1 - alpha) * w[i]!)

/** One step of alpha, by the inner product of the paper. */
function naiveAlpha(
  at: { readonly alpha: number; readonly v: Vector; readonly w: Vector },
  where: { readonly round: number; readonly slot: number },
): number {
  const { rows, labels } = plainRows(clients[where.slot]!)
  const order = rows.map((_, i) => i)
  createStreams(config.seed)('apfl-alpha', where.round, where.slot).shuffle(order)
  const chosen = order.slice(0, 4)
  const batch = { rows: chosen.map((i) => rows[i]!), labels: chosen.map((i) => labels[i]!) }
  const gradient = gradientOf(mix(at.alpha, at.v, at.w), batch)
  const slope = at.v.reduce((sum, value, i) => sum + (value - at.w[i]!) * gradient[i]!, 0)
  return Math.min(1, Math.max(0, at.alpha - 0.2 * slope))
}

interface NaiveClient {
  readonly v: Vector
  readonly alpha: number
  readonly mixture: Vector
}
/** APFL as its pseudocode says, in plain loops over w and v side by side. */
function naiveApfl(initial: number, isAdaptive: boolean) {
  const streams = createStreams(config.seed)
  const first: Vector = [...firstOf(config)]
  const size = first.length
  let w = first
  const own = new Map<number, NaiveClient>()
  COHORTS.forEach((cohort, i) => {
    const answers = cohort.map((slot) => {
      const client = plainRows(clients[slot]!)
      const { v, alpha: old } = own.get(slot) ?? { v: first, alpha: initial }
      const where = { round: i + 1, slot }
      const alpha = isAdaptive ? naiveAlpha({ alpha: old, v, w }, where) : old
      const both = naiveTraining({
        ...{ start: [...w, ...v], client, streams, ...where },
        ...{ localEpochs: 2, batchSize: 4, learningRate: 0.2 },
        gradient: (at, batch) => {
          const [shared, local] = [at.slice(0, size), at.slice(size)]
          const personal = gradientOf(mix(alpha, local, shared), batch)
          return [...gradientOf(shared, batch), ...personal.map((value) => alpha * value)]
        },
      })
      const [shared, local] = [both.slice(0, size), both.slice(size)]
      own.set(slot, { v: local, alpha, mixture: mix(alpha, local, shared) })
      return { slot, n: client.rows.length, w: shared }
    })
    w = naiveMean(
      answers.filter(({ slot }) => counts(i + 1, slot)),
      size,
    )
  })
  return { w, own }
}

describe('apfl', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('has the share that the authors’ code begins with, and adapts it', () => {
    expect(apfl.hyper.parse({})).toEqual({ alpha: 0.5, adaptive: true })
    for (const alpha of [-0.1, 1.1]) expect(apfl.hyper.safeParse({ alpha }).success).toBe(false)
  })

  it.each([
    { alpha: 0.25, adaptive: false },
    { alpha: 0.5, adaptive: true },
    { alpha: 0.99, adaptive: true },
  ])('agrees with the naive reference: $alpha, $adaptive', async (options) => {
    const own = plainSgd(configOf(options))
    const { memories, released, rounds } = await run({ config: own, ...busy })
    const expected = naiveApfl(options.alpha, options.adaptive)
    numbers(released).forEach((value, i) => expect(value).toBeCloseTo(expected.w[i]!, 5))
    expect(memories.size).toBe(expected.own.size)
    for (const [slot, { alpha, mixture }] of expected.own) {
      const memory = memories.get(slot)!
      expect(memory.meta['alpha']).toBeCloseTo(alpha, 5)
      exported(own, memory).forEach((value, i) => expect(value).toBeCloseTo(mixture[i]!, 5))
    }
    const told = rounds.at(-1)!.clientMetrics.get(2)!['personal/alpha']
    expect(told).toBe(memories.get(2)!.meta['alpha'])
    expect(told === options.alpha).toBe(!options.adaptive)
  })

  it.each([null, 0.05])(
    'averages as fedavg does, bit for bit, gradients clipped at %s',
    async (clip) => {
      const fedavg = await run({ config: configOf({}, 'fedavg', clip), ...busy })
      for (const options of [{}, { alpha: 1 }, { alpha: 0.3, adaptive: false }]) {
        const { rounds } = await run({ config: configOf(options, 'apfl', clip), ...busy })
        expect(rounds.map(({ released }) => bundleHash(released))).toEqual(
          fedavg.rounds.map(({ released }) => bundleHash(released)),
        )
      }
    },
  )

  it.each([
    { alpha: 1, name: 'local-only', clip: null, fates: busy },
    { alpha: 1, name: 'local-only', clip: 0.05, fates: busy },
    // Without updates that do not count: fedavg-finetune forgets those.
    { alpha: 0, name: 'fedavg-finetune', clip: null, fates: { ...busy, fateOf: () => 'accepted' } },
  ] as const)(
    'with a share of $alpha has the models of $name, bit for bit ($clip)',
    async ({ alpha, name, clip, fates }) => {
      const other = configOf({}, name, clip)
      const fixed = configOf({ alpha, adaptive: false }, 'apfl', clip)
      const [expected, { memories }] = [
        await run({ config: other, ...fates }),
        await run({ config: fixed, ...fates }),
      ]
      expect([...memories].map(([slot, memory]) => [slot, exportedHash(fixed, memory)])).toEqual(
        [...expected.memories].map(([slot, memory]) => [slot, exportedHash(other, memory)]),
      )
    },
  )

  it.each(LOST)('keeps mixture and share when the update was %s', async (fate) => {
    const lastLost = (round: number, slot: number) =>
      round === ROUNDS && slot === 1 ? fate : 'accepted'
    const [all, lost] = [await run(), await run({ fateOf: lastLost })]
    const [kept, counted] = [lost.memories.get(1)!, all.memories.get(1)!]
    expect(exportedHash(config, kept)).toBe(exportedHash(config, counted))
    expect(kept.meta['alpha']).toBe(counted.meta['alpha'])
    expect(halvesOf(config).client.told!(kept)).toEqual({ 'kept/4': 1 })
  })
})

describe('the share of the local model', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  const { method } = halvesOf(config)
  const model = modelOf(config)
  const setup = {
    ...{ config, model, streams: createStreams(config.seed) },
    hyper: method.hyper.parse({}) as { readonly alpha: number; readonly adaptive: boolean },
  }
  const where = { round: 2, slot: 1, data: clients[1]! }
  const [v, w] = [7, 8].map((seed) => model.init(createStreams(seed)('init', 0, 0))) as [
    Float32Array,
    Float32Array,
  ]

  it('moves by the learning rate times the inner product of the paper', async () => {
    const alpha = await adapted(setup, { alpha: 0.4, own: v, shared: w }, where)
    expect(alpha).toBeCloseTo(naiveAlpha({ alpha: 0.4, v: [...v], w: [...w] }, where), 6)
    expect(alpha).not.toBe(0.4)
  })

  it('stays where it was while both models are the same', async () => {
    expect(await adapted(setup, { alpha: 0.4, own: w, shared: w }, where)).toBe(0.4)
  })

  it('stays between 0 and 1', async () => {
    const far = w.map((value, i) => value + 50 * (v[i]! - value))
    const ends = [
      await adapted(setup, { alpha: 0.5, own: far, shared: w }, where),
      await adapted(setup, { alpha: 0.5, own: w, shared: far }, where),
    ]
    expect(ends.toSorted((a, b) => a - b)).toEqual([0, 1])
  })
})

describe('a client of apfl', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('predicts with what it would export, which is neither of its two models', async () => {
    const { memories, released: shared } = await run()
    const memory = memories.get(1)!
    const predicted = logitsBy(config, { shared, memory }, clients[1]!)
    expect(predicted).toEqual(logitsOf(config, exported(config, memory), clients[1]!))
    expect(predicted).not.toEqual(logitsBy(config, { shared }, clients[1]!))
  })

  it('that was never selected predicts with the shared params', async () => {
    const { memories, released } = await run({ cohortOf: () => [0, 2] })
    expect(memories.has(1)).toBe(false)
    for (const { shared } of [plannedFirst(config), { shared: released }])
      expect(logitsBy(config, { shared }, clients[1]!)).toEqual(
        logitsOf(config, Float32Array.from(numbers(shared)), clients[1]!),
      )
  })

  it('begins its local model with the params of the run, however late it is asked', async () => {
    const model = modelOf(config)
    const start = paramsBundle(model, model.init(createStreams(99)('init', 0, 0)))
    const late = (of: RunConfig): Partial<InMemoryRun> => ({
      config: { ...of, startFrom: bundleHash(start) },
      startFrom: start,
      cohortOf: (round) => (round < 3 ? [0, 2] : [0, 1, 2]),
    })
    const [fixed, alone] = [configOf({ alpha: 1, adaptive: false }), configOf({}, 'local-only')]
    const [mine, other] = [await run(late(fixed)), await run(late(alone))]
    expect(exportedHash(fixed, mine.memories.get(1)!)).toBe(
      exportedHash(alone, other.memories.get(1)!),
    )
  })
})
