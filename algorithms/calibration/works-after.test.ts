import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, float32Of, partOf, tensorsOf, type Bundle } from '#protocol/bundle.js'
import type { CalibrationTime, RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import { headLayout } from '#algorithms/models/backbone.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'

const clients = tinyClients([9, 7, 8])
const names = (of: (method: (typeof CATALOGUE.methods)[number]) => boolean): readonly string[] =>
  CATALOGUE.methods.filter(of).map(({ name }) => name)
const isPersonal = ({ personal }: (typeof CATALOGUE.methods)[number]): boolean => personal === true
/** All clients predict with the params that are released. */
const sharing = names((method) => method.releases === 'model' && !isPersonal(method))
const own = names((method) => method.releases === 'own' && !isPersonal(method))
/** Some release a model all the same: it is not the one that clients predict with. */
const personal = names(isPersonal)
const calibrations = CATALOGUE.calibrations.map(({ name }) => name)
const optimizers = CATALOGUE.serverOptimizers.map(({ name }) => name)

interface Asked {
  readonly calibration?: string
  readonly method?: string
  readonly optimizer?: string
  readonly head?: string
  readonly when?: CalibrationTime
}
function trainedBy({ method = 'fedavg', optimizer = 'sgd', head }: Asked): RunConfig {
  return tinyConfig((base) =>
    withMethod(method)({
      ...base,
      model: { name: 'mlp', hidden: [5], ...(head === undefined ? {} : { head }) },
      aggregation: { ...base.aggregation, serverOptimizer: { name: optimizer } },
      rounds: 2,
    }),
  )
}
const calibrated = (asked: Asked): RunConfig => ({
  ...trainedBy(asked),
  calibration: { name: asked.calibration ?? 'ccvr', when: asked.when ?? 'final' },
})

/** Names of the tensors in which two bundles of the same form differ. */
function differing(one: Bundle, other: Bundle): readonly string[] {
  expect(one.tensors).toEqual(other.tensors)
  const others = tensorsOf(other)
  return tensorsOf(one).flatMap(({ name, data }, i) =>
    data.some((value, j) => !Object.is(value, others[i]!.data[j])) ? [name] : [],
  )
}

const valuesOf = (bundle: Bundle, names: readonly string[]) =>
  names.map((name) => [...float32Of(bundle, name)])

async function expectOnlyTheHead(asked: Asked): Promise<void> {
  const config = calibrated(asked)
  expect(() => assertPossible(config)).not.toThrow()
  const [plain, run] = [
    await runRoundsInMemory({ config: trainedBy(asked), clients }),
    await runRoundsInMemory({ config, clients }),
  ]
  expect(run.rounds.map(({ plan }) => plan.part)).toEqual(['method', 'method', 'calibration'])
  // Training knew nothing of what came after it.
  expect(bundleHash(run.rounds[1]!.state)).toBe(bundleHash(plain.state))
  expect(differing(run.released, plain.released)).toEqual(
    headLayout(modelOf(config)).params.map(({ name }) => name),
  )
  for (const { data } of tensorsOf(run.released)) expect(data.every(Number.isFinite)).toBe(true)
}

describe.each(calibrations)('%s changes the head, and the head alone', (calibration) => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each(sharing)('after %s', (method) => expectOnlyTheHead({ calibration, method }))
  it.each(optimizers)('after server optimizer %s', (optimizer) =>
    expectOnlyTheHead({ calibration, optimizer }),
  )
  it('of a model whose head is normalized', () =>
    expectOnlyTheHead({ calibration, head: 'normalized' }))
})

describe('training goes on from what ccvr made', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each<Asked & { readonly title: string }>([
    ...sharing.map((method) => ({ title: method, method })),
    ...optimizers.map((optimizer) => ({ title: `server optimizer ${optimizer}`, optimizer })),
  ])('with $title', async (asked) => {
    const { rounds } = await runRoundsInMemory({
      config: calibrated({ ...asked, when: 'every-round' }),
      clients,
    })
    const parts = ['method', 'calibration', 'method', 'calibration']
    expect(rounds.map(({ plan }) => plan.part)).toEqual(parts)
    const [trained, changed] = [rounds[0]!, rounds[1]!]
    const kept = (state: Bundle) => partOf(partOf(state, 'method'), 'optimizer')
    expect(bundleHash(kept(changed.state))).toBe(bundleHash(kept(trained.state)))
    const model = modelOf(trainedBy(asked))
    const head = headLayout(model).params.map(({ name }) => name)
    expect(differing(changed.released, trained.released)).toEqual(head)
    expect(valuesOf(rounds[2]!.plan.shared, head)).toEqual(valuesOf(changed.released, head))
  })
})

describe('without one model for all', () => {
  it.each([
    ['another kind of release', own],
    ['personal models', personal],
  ])('there is a method with %s', (_, methods) => expect(methods).not.toEqual([]))

  const each = (methods: readonly string[], text: string) =>
    methods.flatMap((method) => calibrations.map((calibration) => ({ method, calibration, text })))
  it.each([
    ...each(own, 'needs an extractor and a head that all clients share, and'),
    ...each(personal, 'corrects a model that all clients share, and clients of'),
  ])('after $method $calibration is refused, and says why', ({ text, ...asked }) => {
    const reason = `${asked.calibration} ${text} ${asked.method}`
    expect(() => assertPossible(calibrated(asked))).toThrow(
      expect.objectContaining({
        code: 'config/impossible',
        message: expect.stringContaining(reason) as string,
      }),
    )
  })
})
