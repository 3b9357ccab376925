import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, tensorOf } from '#protocol/bundle.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { assertPossible, methodSetup, modelOf } from '#algorithms/from-config.js'
import type { Method, RoundPlan } from '#algorithms/methods/method.js'
import { paramsOf } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { gatherMethod } from '#testing/gather-method.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig } from '#testing/tiny-federation.js'
import { createClientHalves } from './client-halves.js'
import { createProgram } from './create-program.js'
import { LOCAL_MODEL, localModelGroup, localModelTensors } from './local-models.js'
import { asPlanned, isDiagnosed, isScored, roundOf } from './riders.js'

const clients = tinyClients([5, 6])
const diagnosed = (every: number | null, change: Partial<RunConfig> = {}): RunConfig =>
  tinyConfig((config) => ({
    ...config,
    ...change,
    evaluation: {
      ...config.evaluation,
      ...change.evaluation,
      central: { name: 'synthetic', path: 'blobs:count=20:classes=3:features=4' },
      diagnostics: { probe: 10, every },
    },
  }))
const ridden = async (config: RunConfig): Promise<readonly number[]> => {
  const { rounds } = await runRoundsInMemory({ config, clients })
  return rounds.flatMap(({ plan }, i) => (isDiagnosed(plan) ? [i + 1] : []))
}

/** FedAvg that notes what it is asked to close. */
function watchedCatalogue(): { readonly catalogue: Catalogue; readonly closed: RoundPlan[] } {
  const closed: RoundPlan[] = []
  const fedavg = CATALOGUE.methods.find(({ name }) => name === 'fedavg')!
  const watched: Method = {
    ...fedavg,
    server(setup) {
      const half = fedavg.server(setup)
      return {
        ...half,
        close(state, plan, folded) {
          closed.push(plan)
          return half.close(state, plan, folded)
        },
      }
    },
  }
  const others = CATALOGUE.methods.filter(({ name }) => name !== 'fedavg')
  return { catalogue: { ...CATALOGUE, methods: [watched, ...others] }, closed }
}

describe('riders of a task', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('ask for local models in the first and the last round, and every few in between', async () => {
    expect(await ridden(diagnosed(null, { rounds: 5 }))).toEqual([1, 5])
    expect(await ridden(diagnosed(2, { rounds: 5 }))).toEqual([1, 2, 4, 5])
    expect(await ridden(diagnosed(1, { rounds: 3 }))).toEqual([1, 2, 3])
    expect(await ridden(diagnosed(7, { rounds: 1 }))).toEqual([1])
    expect(await ridden(tinyConfig())).toEqual([])
  })

  it('ask in training rounds alone', async () => {
    const config = diagnosed(1, {
      rounds: 2,
      evaluation: { ...tinyConfig().evaluation, federated: true },
    })
    const { rounds } = await runRoundsInMemory({ config, clients })
    const asked = rounds.map(({ plan }) => [plan.part, isDiagnosed(plan), isScored(plan)])
    expect(asked).toEqual([
      ['method', true, true],
      ['method', true, true],
      ['evaluation', false, false],
    ])
  })

  it('bring the whole local model: what was received and what training added', async () => {
    const config = diagnosed(null)
    const program = createProgram(config)
    const plan = program.next(program.init(null))
    if (plan === 'done') throw new Error('done')
    expect(plan.uplink.map(({ name }) => name)).toEqual(['delta', LOCAL_MODEL])
    expect(plan.uplink[1]).toMatchObject({ reduce: 'gather', privacyClass: 'model-delta' })
    const model = modelOf(config)
    expect(plan.uplink[1]!.maxBytes).toBe(4 * model.parameterCount)
    const { method } = createClientHalves(config)
    const result = await method.perform({
      ...{ round: 1, slot: 0, personal: null, memory: null, assets: {}, data: clients[0]! },
      ...{ task: plan.task, shared: plan.shared, uplink: plan.uplink },
    })
    const [received, local] = [paramsOf(model, plan.shared), result.update[LOCAL_MODEL]!]
    expect(local.map(({ name }) => name)).toEqual(model.params.map(({ name }) => name))
    const values = local.flatMap(({ data }) => [...data])
    const deltas = result.update['delta']!.flatMap(({ data }) => [...data])
    expect(values).toHaveLength(model.parameterCount)
    values.forEach((value, i) => expect(value).toBeCloseTo(received[i]! + deltas[i]!, 6))
    expect(values).not.toEqual([...received])
    // Nobody asks: the model stays where it is.
    const task = asPlanned(plan).task
    const silent = await method.perform({
      ...{ round: 1, slot: 0, personal: null, memory: null, assets: {}, data: clients[0]! },
      ...{ task, shared: plan.shared, uplink: plan.uplink },
    })
    expect(Object.keys(silent.update)).toEqual(['delta'])
  })

  it('ask for what each client scores too, beside the sums over all', async () => {
    const config = diagnosed(1, { evaluation: { ...tinyConfig().evaluation, federated: true } })
    const program = createProgram(config)
    const plan = program.next(program.init(null))
    if (plan === 'done') throw new Error('done')
    const added = plan.uplink.slice(1)
    expect(added.map(({ name }) => name)).toEqual(['evaluation', 'score', LOCAL_MODEL])
    expect(added[1]).toMatchObject({ reduce: 'gather', privacyClass: 'metrics', maxBytes: 32 })
  })

  it('are taken away before the method closes what it planned, and change nothing in training', async () => {
    const { catalogue, closed } = watchedCatalogue()
    const config = diagnosed(1, {
      evaluation: { ...tinyConfig().evaluation, federated: true },
    })
    const { rounds } = await runRoundsInMemory({ config, clients, catalogue })
    expect(closed).toHaveLength(3)
    for (const { task, uplink } of closed) {
      expect(task).not.toHaveProperty('diagnose')
      expect(task).not.toHaveProperty('score')
      expect(uplink.map(({ name }) => name)).toEqual(['delta'])
    }
    const plain = await runRoundsInMemory({ config: tinyConfig(), clients })
    expect(rounds.slice(0, 3).map(({ released }) => bundleHash(released))).toEqual(
      plain.rounds.map(({ released }) => bundleHash(released)),
    )
    for (const { plan } of plain.rounds) expect(asPlanned(plan)).toEqual(plan)
  })

  it('tell a round its number without calibrations only where some lie between', async () => {
    const numbers = async (when: 'final' | 'every-round') => {
      const config = tinyConfig((base) => ({
        ...base,
        calibration: { name: 'ccvr', when },
      }))
      const program = createProgram(config)
      const plan = program.next(program.init(null))
      return plan === 'done' ? null : roundOf({ task: plan.task, round: 9 })
    }
    expect(await numbers('final')).toBe(9)
    expect(await numbers('every-round')).toBe(1)
    expect(roundOf({ task: { trainingRound: 4 }, round: 9 })).toBe(4)
  })

  it('are refused where clients train something else than the model that is released', () => {
    const catalogue = { ...CATALOGUE, methods: [...CATALOGUE.methods, gatherMethod] }
    const own = diagnosed(null, { method: { name: 'gather-test' } })
    expect(() => assertPossible(own, catalogue)).toThrow(
      /evaluation\.diagnostics compares full models of the run, and gather-test trains something else/,
    )
    const fedins = diagnosed(null, { method: { name: 'fedins', backbone: 'random' } })
    expect(() => assertPossible(fedins)).toThrow(/fedins trains something else/)
    expect(() => assertPossible(diagnosed(null))).not.toThrow()
  })

  it.each(CATALOGUE.methods.filter(({ releases }) => releases === 'model').map(({ name }) => name))(
    'find a local model with clients of %s',
    async (name) => {
      const config = diagnosed(null, { method: { name }, rounds: 1 })
      const { rounds, released } = await runRoundsInMemory({ config, clients })
      expect(rounds.map(({ plan }) => isDiagnosed(plan))).toEqual([true])
      expect(tensorOf(released, 'head/kernel').shape).toEqual([4, 3])
    },
  )
})

describe('the group of local models', () => {
  it('holds all tensors of the model, and wants one', () => {
    const setup = methodSetup(tinyConfig())
    const { model } = setup
    expect(localModelGroup(model).tensors).toEqual(model.params)
    const params = Float32Array.from({ length: model.parameterCount }, (_, i) => i)
    const [kernel, bias] = localModelTensors(setup, params)
    expect([...kernel!.data]).toEqual([...params.subarray(0, 12)])
    expect([...bias!.data]).toEqual([12, 13, 14])
    expect(() => localModelTensors(setup, undefined)).toThrow(
      /clients of fedavg have no local model/,
    )
  })
})
