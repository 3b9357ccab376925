/** Every method of the catalogue with every transform, in rounds where each hop goes through bytes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, encodeBundle, float32Of, makeBundle, tensorOf } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import { uplinkName } from '#protocol/uplink.js'
import type { Choice, RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { assertPossible, methodOf, methodSetup } from '#algorithms/from-config.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import type { ProgramPlan } from '#algorithms/programs/program.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { assetsOf, runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { seededNoise } from './apply.js'
import { normOf } from './norm.js'

const clients = tinyClients([3, 6, 5])
const TRANSFORMS: readonly (readonly [string, readonly Choice[]])[] = [
  ['clip', [{ name: 'clip', norm: 0.05 }]],
  ['gaussian-noise', [{ name: 'gaussian-noise', stddev: 0.01 }]],
  ['top-k', [{ name: 'top-k', fraction: 0.25 }]],
  ['quantize', [{ name: 'quantize', bits: 6 }]],
  [
    'all of them',
    [
      { name: 'clip', norm: 0.05 },
      { name: 'gaussian-noise', stddev: 0.01 },
      { name: 'top-k', fraction: 0.25 },
      { name: 'quantize', bits: 6 },
    ],
  ],
]
const configOf = (
  method: string,
  updates?: readonly Choice[],
  hyper: JsonObject = {},
): RunConfig => {
  const config = tinyConfig(withMethod(method, hyper))
  return { ...config, rounds: 2, ...(updates === undefined ? {} : { updates }) }
}
const isCovered = (method: string): boolean => {
  const config = configOf(method)
  return (methodOf(config).uncovered?.(methodSetup(config)) ?? null) === null
}
const covered = CATALOGUE.methods.map(({ name }) => name).filter(isCovered)
const firstPlan = (config: RunConfig): ProgramPlan => {
  const program = createProgram(config)
  return program.next(program.observe(program.init(null), {})) as ProgramPlan
}
const perform = (config: RunConfig, plan: ProgramPlan) =>
  createClientHalves(config)[plan.part].perform({
    ...{ round: 1, slot: 1, task: plan.task, shared: plan.shared, uplink: plan.uplink },
    ...{ assets: assetsOf({}, plan), personal: null, memory: null, data: clients[1]! },
    noise: seededNoise(createStreams(config.seed), { round: 1, slot: 1 }),
  })
const protectedNumbers = (update: ReturnType<typeof packUpdate>, plan: ProgramPlan) =>
  plan.uplink
    .filter((group) => group.protected === true)
    .flatMap(({ name, tensors }) =>
      tensors.map((tensor) => float32Of(update, uplinkName(name, tensor.name))),
    )

beforeAll(async () => void (await useBackend('cpu')))

describe.each(covered)('method %s', (name) => {
  const bare = configOf(name)

  it('declares what it always did where the run has no transforms', () => {
    const { uplink } = firstPlan(bare)
    expect(uplink.some((group) => group.protected ?? group.packed !== undefined)).toBe(false)
    expect(firstPlan(configOf(name, [])).uplink).toEqual(uplink)
  })

  it('protects all that it sends of single clients’ params or examples', () => {
    const config = configOf(name, TRANSFORMS[0]![1])
    const plan = firstPlan(config)
    const program = createProgram(config)
    const kinds = program.kinds(program.init(null)).filter(({ part }) => part === 'method')
    for (const group of [plan.uplink, ...kinds.map(({ uplink }) => uplink)].flat()) {
      const isTelling = ['model-delta', 'control-variate', 'per-example'].includes(
        group.privacyClass,
      )
      expect(group.protected ?? false, group.name).toBe(isTelling)
    }
    expect(() => assertPossible(config)).not.toThrow()
  })

  it.each(TRANSFORMS)('goes through its rounds with %s, and the same again', async (_, updates) => {
    const run = async () => runRoundsInMemory({ config: configOf(name, updates), clients })
    const { state, rounds } = await run()
    expect(rounds.length).toBeGreaterThan(0)
    expect(bundleHash((await run()).state)).toBe(bundleHash(state))
    const { state: without } = await runRoundsInMemory({ config: bare, clients })
    if (firstPlan(bare).uplink.length > 0) expect(bundleHash(state)).not.toBe(bundleHash(without))
  })

  it.each([
    ['noise 0', [{ name: 'gaussian-noise', stddev: 0 }]],
    ['top-k of all', [{ name: 'top-k', fraction: 1 }]],
    ['a clip beyond all numbers', [{ name: 'clip', norm: 1e300 }]],
  ])('comes to the same model with %s as without', async (_, updates) => {
    const { state } = await runRoundsInMemory({ config: configOf(name, updates), clients })
    const { state: without } = await runRoundsInMemory({ config: bare, clients })
    expect(bundleHash(state)).toBe(bundleHash(without))
  })

  it('sends an update that its transforms could have left, and no other counts', async () => {
    const config = configOf(name, [{ name: 'clip', norm: 0.05 }])
    const plan = firstPlan(config)
    const { update, weight } = await perform(config, plan)
    const sent = packUpdate(update, plan.uplink)
    const { maxExamples } = config.aggregation
    const received = receiveUpdate(sent, weight, { uplink: plan.uplink, maxExamples })
    if (!received.ok) throw received.error
    const parts = protectedNumbers(received.value, plan)
    const program = createProgram(config)
    const member = { slot: 1, weight }
    expect(normOf(parts)).toBeLessThanOrEqual(0.05 * (1 + 1e-6))
    expect(program.inspect(plan, received.value, member)).toBeNull()
    if (parts.length === 0) return
    expect(normOf(parts)).toBeGreaterThan(0.0499)
    const { update: raw } = await perform(bare, firstPlan(bare))
    const longer = packUpdate(raw, firstPlan(bare).uplink)
    expect(normOf(protectedNumbers(longer, plan))).toBeGreaterThan(0.06)
    expect(program.inspect(plan, longer, member)).toMatchObject({
      code: 'update/norm-too-large',
      message: expect.stringMatching(/leave at most 0\.05/) as string,
    })
  })
})

describe('methods that send more of single clients than deltas', () => {
  const others = CATALOGUE.methods.map(({ name }) => name).filter((name) => !isCovered(name))

  it('are scaffold and fedd2s', () => expect(others.toSorted()).toEqual(['fedd2s', 'scaffold']))

  it.each(others)('%s is refused with transforms, by coordinators and by clients', (name) => {
    const config = configOf(name, TRANSFORMS[0]![1])
    const refusal = expect.objectContaining({
      code: 'config/impossible',
      message: expect.stringMatching(
        /updates transforms how params moved, and clients of/,
      ) as string,
    }) as Error
    expect(() => assertPossible(config)).toThrow(refusal)
    expect(() => createClientHalves(config)).toThrow(refusal)
    expect(() => assertPossible(configOf(name))).not.toThrow()
  })

  it('the profile of fedd2s that averages models has a delta', async () => {
    const config = configOf('fedd2s', TRANSFORMS[0]![1], { profile: 'models' })
    expect(() => assertPossible(config)).not.toThrow()
    const plan = firstPlan(config)
    expect(plan.uplink.map((group) => group.protected)).toEqual([true])
    const { update } = await perform(config, plan)
    const sent = packUpdate(update, plan.uplink)
    expect(normOf(protectedNumbers(sent, plan))).toBeLessThanOrEqual(0.05 * (1 + 1e-6))
  })
})

describe('what else a run could make clients send', () => {
  const clipped = configOf('fedavg', TRANSFORMS[0]![1])
  const reasonsOf = (config: RunConfig): string => {
    try {
      assertPossible(config)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  it('their whole local model: refused, and not sent to a coordinator that asks for it all the same', async () => {
    const evaluation = { ...clipped.evaluation, diagnostics: { probe: 100, every: null } }
    expect(reasonsOf({ ...clipped, evaluation })).toMatch(/evaluation\.diagnostics makes clients/)
    const plan = firstPlan(clipped)
    const asked = { ...plan, task: { ...plan.task, diagnose: true } }
    await expect(perform(clipped, asked)).rejects.toMatchObject({ code: 'policy/refused' })
  })

  it('the features of single examples: refused', () => {
    const calibration = { name: 'oracle', when: 'final' } as RunConfig['calibration'] & object
    expect(reasonsOf({ ...clipped, calibration })).toMatch(/The calibration oracle makes clients/)
    const ccvr = { name: 'ccvr', when: 'final' } as RunConfig['calibration'] & object
    expect(reasonsOf({ ...clipped, calibration: ccvr })).not.toMatch(/transform/)
  })

  it('a delta that the coordinator calls something else: transformed all the same', async () => {
    const plan = firstPlan(configOf('fedavg'))
    const uplink = plan.uplink.map((group) => ({ ...group, privacyClass: 'statistics' as const }))
    const { update } = await perform(clipped, { ...plan, uplink })
    const sent = packUpdate(update, uplink)
    const norm = normOf(sent.tensors.map(({ name }) => float32Of(sent, name)))
    expect(norm).toBeLessThanOrEqual(0.05 * (1 + 1e-6))
  })

  it('what cannot work is refused with the reason', () => {
    const after = [{ name: 'quantize' }, { name: 'clip', norm: 1 }]
    expect(reasonsOf(configOf('fedavg', after))).toMatch(/quantize must come last/)
    const loud = [{ name: 'gaussian-noise', stddev: 9 }]
    expect(reasonsOf(configOf('fedavg', loud))).toMatch(
      /maxAbs 64, which are refused; raise maxAbs to 72/,
    )
    expect(reasonsOf(configOf('fedavg', [{ name: 'gaussian-noise', stddev: 8 }]))).toBe('')
  })
})

describe('bytes up', () => {
  /** Of a model of 4,963 numbers, where headers count for little. */
  const model = { name: 'mlp', hidden: [70, 60] }
  const bytesWith = async (...updates: readonly Choice[]): Promise<number> => {
    const config = { ...configOf('fedavg', updates), model }
    const plan = firstPlan(config)
    const { update } = await perform(config, plan)
    return encodeBundle(packUpdate(update, plan.uplink)).byteLength
  }

  it('fall with top-k, with quantize, and most with both', async () => {
    const all = await bytesWith()
    const topTenth = { name: 'top-k', fraction: 0.1 }
    const shares = [
      (await bytesWith(topTenth)) / all,
      (await bytesWith({ name: 'quantize', bits: 8 })) / all,
      (await bytesWith({ name: 'quantize', bits: 4 })) / all,
      (await bytesWith(topTenth, { name: 'quantize', bits: 8 })) / all,
      (await bytesWith(topTenth, { name: 'gaussian-noise', stddev: 0.1 })) / all,
    ]
    // 5 of 4 bytes for a tenth; 8 and 4 of 32 bits; 2 of 4 bytes for a tenth; noise leaves no zeros.
    const expected = [0.125, 0.25, 0.125, 0.05, 1]
    shares.forEach((share, i) => expect(share).toBeCloseTo(expected[i]!, 1.5))
    expect(shares[3]).toBeLessThan(0.07)
  })

  it('is what the grid sums, whichever form it travelled in', async () => {
    const config = configOf('fedavg', [{ name: 'quantize', bits: 4 }])
    const plan = firstPlan(config)
    const { update, weight } = await perform(config, plan)
    const packed = receiveUpdate(packUpdate(update, plan.uplink), weight, {
      ...{ uplink: plan.uplink, maxExamples: 100 },
    })
    const plain = packUpdate(update, firstPlan(configOf('fedavg')).uplink)
    if (!packed.ok) throw packed.error
    const tensors = packed.value.tensors.map(({ name }) => tensorOf(packed.value, name))
    expect(bundleHash(makeBundle(tensors))).toBe(bundleHash(plain))
  })
})
