import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bundleHash, makeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { CalibrationTime, RunConfig } from '#protocol/run-config.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import { gatheredGroup } from '#algorithms/methods/update.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { gatherMethod } from '#testing/gather-method.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig } from '#testing/tiny-federation.js'
import { createProgram } from './create-program.js'

/** Asks every client twice for its number of examples, then sets all params to the sum of what it was told. */
const counting: Calibration = {
  name: 'counting',
  hyper: z.strictObject({ refused: z.boolean().default(false) }),
  reveals: { classes: [], text: 'How many examples each client has.' },
  requires: (_config, _model, hyper) =>
    (hyper as { refused: boolean }).refused ? ['Counting was told to refuse'] : [],
  server: ({ model }) => ({
    next: ({ released, progress }) => ({
      purpose: 'statistics',
      task: { asked: progress === null ? 1 : 2 },
      shared: released,
      assets: {},
      uplink: [
        {
          name: 'counts',
          tensors: [{ name: 'n', shape: [1], dtype: 'float64' }],
          reduce: 'gather',
          weight: 'none',
          grid: null,
          privacyClass: 'statistics',
          maxBytes: 8,
        },
      ],
      audience: 'everyone',
      patience: 'deadline',
    }),
    inspect({ payloads }) {
      const told = Number(payloads['counts']?.tensors['n']?.data[0])
      if (told < 0)
        throw new FederationError(
          'update/malformed',
          `Slot ${payloads['counts']?.slot ?? '?'} has ${told} examples`,
        )
    },
    async close({ progress, trainingRounds }, plan, folded) {
      let sum = Number(progress?.meta['sum'] ?? 0)
      for await (const { tensors } of gatheredGroup(folded, 'counts').payloads())
        sum += Number(tensors['n']?.data[0])
      if (plan.task['asked'] === 1) return { progress: makeBundle([], { sum }), metrics: {} }
      const params = new Float32Array(model.parameterCount).fill(sum + trainingRounds / 8)
      return { calibrated: paramsBundle(model, params), metrics: { sum } }
    },
  }),
  client: () => ({
    async perform({ data, memory }) {
      const n = Float64Array.of(data.train.indices.length)
      return {
        update: { counts: [{ name: 'n', shape: [1], dtype: 'float64', data: n }] },
        ...{ weight: 1, metrics: {}, pending: memory },
      }
    },
  }),
}
const catalogue: Catalogue = {
  ...CATALOGUE,
  methods: [...CATALOGUE.methods, gatherMethod],
  calibrations: [counting],
}
const SIZES = [3, 6, 5]
const clients = tinyClients(SIZES)
const TOLD = 2 * (3 + 6 + 5)

const calibrated = (
  when: CalibrationTime = 'final',
  change: (config: RunConfig) => RunConfig = (config) => config,
): RunConfig =>
  tinyConfig((config) => change({ ...config, calibration: { name: 'counting', when } }))
const valueOf = (bundle: Bundle): number => paramsOf(modelOf(tinyConfig()), bundle)[0]!
const partsOf = async (config: RunConfig) => {
  const run = await runRoundsInMemory({ config, clients, catalogue })
  return { ...run, parts: run.rounds.map(({ plan }) => plan.part) }
}

describe('a run with a calibration', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('asks everyone after the last training round, in as many rounds as the calibration needs', async () => {
    const { parts, rounds, released, state } = await partsOf(calibrated())
    expect(parts).toEqual(['method', 'method', 'method', 'calibration', 'calibration'])
    expect(rounds.slice(3).map(({ plan }) => [plan.purpose, plan.audience, plan.patience])).toEqual(
      [
        ['statistics', 'everyone', 'deadline'],
        ['statistics', 'everyone', 'deadline'],
      ],
    )
    expect(valueOf(released)).toBe(TOLD + 3 / 8)
    expect(createProgram(calibrated(), catalogue).trainingRounds(state)).toBe(3)
  })

  it('asks about the model that training released, and trains that model as if there were none', async () => {
    const plain = await runRoundsInMemory({ config: tinyConfig(), clients, catalogue })
    const { rounds } = await partsOf(calibrated())
    for (const { plan } of rounds.slice(3))
      expect(bundleHash(plan.shared)).toBe(bundleHash(plain.released))
    expect(rounds.slice(0, 3).map(({ state }) => bundleHash(state))).toEqual(
      plain.rounds.map(({ state }) => bundleHash(state)),
    )
  })

  it('measures between the rounds of a calibration nothing, and after the last the result', async () => {
    const { rounds } = await partsOf(
      calibrated('final', (config) => ({
        ...config,
        evaluation: { ...config.evaluation, every: 3 },
      })),
    )
    const program = createProgram(calibrated(), catalogue)
    expect(rounds.map(({ state }) => program.isCentralEvaluationDue(state)).slice(2)).toEqual([
      true,
      false,
      true,
    ])
  })

  it('lets clients score the model before and after', async () => {
    const { parts, rounds } = await partsOf(
      calibrated('final', (config) => ({
        ...config,
        evaluation: { ...config.evaluation, federated: true, every: 3 },
      })),
    )
    expect(parts.slice(3)).toEqual(['calibration', 'calibration', 'evaluation'])
    const scores = rounds.map(({ metrics }) => 'federated/accuracy' in metrics)
    expect(scores.slice(3)).toEqual([true, false, true])
    expect(valueOf(rounds.at(-1)!.plan.shared)).toBe(TOLD + 3 / 8)
  })

  it('every-eval: calibrates a copy at each evaluation, of which training knows nothing', async () => {
    const plain = await runRoundsInMemory({ config: tinyConfig(), clients, catalogue })
    const { parts, rounds, released } = await partsOf(
      calibrated('every-eval', (config) => ({
        ...config,
        evaluation: { ...config.evaluation, every: 2 },
      })),
    )
    const pair = ['calibration', 'calibration']
    expect(parts).toEqual(['method', 'method', ...pair, 'method', ...pair])
    expect(valueOf(rounds[3]!.released)).toBe(TOLD + 2 / 8)
    // The last training round released what it would have without a calibration.
    expect(bundleHash(rounds[4]!.released)).toBe(bundleHash(plain.released))
    expect(valueOf(released)).toBe(TOLD + 3 / 8)
  })

  it('every-round: training goes on from what was calibrated', async () => {
    const { parts, rounds } = await partsOf(
      calibrated('every-round', (config) => ({ ...config, rounds: 2 })),
    )
    const pair = ['calibration', 'calibration']
    expect(parts).toEqual(['method', ...pair, 'method', ...pair])
    expect(valueOf(rounds[3]!.plan.shared)).toBe(TOLD + 1 / 8)
  })

  it('stops early by what training reached, not by what calibrations added', () => {
    const config = calibrated('every-eval', (base) => ({
      ...base,
      evaluation: {
        ...base.evaluation,
        federated: true,
        earlyStop: { metric: 'accuracy', patience: 1, minDelta: 0 },
      },
    }))
    const program = createProgram(config, catalogue)
    const trained = program.observe(program.init(null), { 'federated/accuracy': 0.5 })
    expect(program.observe(trained, { 'federated/accuracy': 0.4 })).not.toBe(trained)
    expect(createProgram(config, catalogue).next(trained)).toMatchObject({ part: 'method' })
  })

  it('without training calibrates what it starts from, once', async () => {
    const config = calibrated('final', (base) => ({ ...base, rounds: 0 }))
    const params = new Float32Array(modelOf(config).parameterCount).fill(0.5)
    const startFrom = paramsBundle(modelOf(config), params)
    const { rounds, released } = await runRoundsInMemory({ config, clients, catalogue, startFrom })
    expect(rounds.map(({ plan }) => [plan.part, valueOf(plan.shared)])).toEqual([
      ['calibration', 0.5],
      ['calibration', 0.5],
    ])
    expect(valueOf(released)).toBe(TOLD)
  })

  it('refuses what a member cannot have, by its slot, and asks only the part that the round is of', () => {
    const program = createProgram(calibrated(), catalogue)
    const told = (n: number) => {
      const data = Float64Array.of(n)
      return makeBundle([{ name: 'counts/n', shape: [1], dtype: 'float64', data }])
    }
    const config = calibrated('final', (base) => ({ ...base, rounds: 0 }))
    const plan = createProgram(config, catalogue).next(program.init(null))
    if (plan === 'done') throw new Error('The run ends before its calibration')
    const member = { slot: 4, weight: 3 }
    expect(program.inspect(plan, told(3), member)).toBeNull()
    expect(program.inspect(plan, told(-3), member)).toEqual({
      code: 'update/malformed',
      message: 'Slot 4 has -3 examples',
    })
    expect(program.inspect({ ...plan, part: 'method' }, told(-3), member)).toBeNull()
  })

  it('is refused for a method that releases no model, and for its own reasons', () => {
    const own = calibrated('final', (config) => ({ ...config, method: { name: 'gather-test' } }))
    expect(() => assertPossible(own, catalogue)).toThrow(
      /counting needs an extractor and a head that all clients share, and gather-test releases neither/,
    )
    const refusing = tinyConfig((config) => ({
      ...config,
      calibration: { name: 'counting', when: 'final', refused: true },
    }))
    expect(() => assertPossible(refusing, catalogue)).toThrow(/told to refuse/)
    expect(() => assertPossible(calibrated('every-round'), catalogue)).not.toThrow()
  })
})
