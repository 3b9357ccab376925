/** What every method of the catalogue must hold, whatever it computes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, partOf, tensorsOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { uplinkName } from '#protocol/uplink.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { methodOf, methodSetup, modelOf, serverSetup } from '#algorithms/from-config.js'
import type { PerformInput, PerformResult, RoundPlan } from '#algorithms/methods/method.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { validateUpdate } from '#algorithms/aggregators/validate.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { personalTests } from './personal-conformance.js'
import { assetsOf, runRoundsInMemory, travelled } from './run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from './tiny-federation.js'

const SIZES = [3, 6, 5]
/** Methods whose delta is something else than the local less the received params. */
const SCALED = ['fednova']

export function describeMethod(name: string, catalogue: Catalogue = CATALOGUE): void {
  const config = tinyConfig(withMethod(name))
  const clients = tinyClients(SIZES)
  const halves = () => ({
    server: methodOf(config, catalogue).server(serverSetup(config, catalogue)),
    client: methodOf(config, catalogue).client(methodSetup(config, catalogue)),
  })
  const planOf = (state: Bundle): RoundPlan => {
    const plan = halves().server.next(state)
    if (plan === 'done') throw new Error(`${name} ends before its first round`)
    return plan
  }
  const input = (plan: RoundPlan, memory: Bundle | null = null): PerformInput => ({
    round: 1,
    slot: 1,
    task: plan.task,
    shared: plan.shared,
    assets: assetsOf({}, plan),
    personal: null,
    data: clients[1]!,
    memory,
    uplink: plan.uplink,
  })

  describe(`method ${name}`, () => {
    beforeAll(async () => void (await useBackend('cpu')))

    it('gives the same bytes for the same inputs', async () => {
      const run = () => runRoundsInMemory({ config, clients, catalogue })
      expect(bundleHash((await run()).state)).toBe(bundleHash((await run()).state))
    })

    it('gives the same bytes for every order of arrival', async () => {
      const inOrder = await runRoundsInMemory({ config, clients, catalogue })
      const reversed = await runRoundsInMemory({
        config,
        clients,
        catalogue,
        arrival: (slots) => slots.toReversed(),
      })
      expect(bundleHash(reversed.state)).toBe(bundleHash(inOrder.state))
    })

    it('gives another result when a reporter is missing', async () => {
      const all = await runRoundsInMemory({ config, clients, catalogue })
      const fewer = await runRoundsInMemory({ config, clients, catalogue, cohortOf: () => [0, 1] })
      expect(fewer.rounds[0]?.reporters).toEqual([0, 1])
      expect(bundleHash(fewer.state)).not.toBe(bundleHash(all.state))
    })

    it('keeps its state through encode and decode', () => {
      const state = halves().server.init(null)
      expect(bundleHash(travelled(state))).toBe(bundleHash(state))
      expect(bundleHash(planOf(travelled(state)).shared)).toBe(bundleHash(planOf(state).shared))
    })

    it('takes up the params it released', () => {
      const { server } = halves()
      const released = server.released(server.init(null))
      if (!released.predicts) return
      const again = server.released(server.init(travelled(released.bundle)))
      expect(bundleHash(again.bundle)).toBe(bundleHash(released.bundle))
    })

    it('changes none of its inputs', async () => {
      const { client } = halves()
      const plan = planOf(halves().server.init(null))
      const first = await client.perform(input(plan))
      const memory = first.pending
      const before = [bundleHash(plan.shared), memory === null ? '' : bundleHash(memory)]
      const rows = clients[1]!.train.indices.slice()
      await client.perform(input(plan, memory))
      expect([bundleHash(plan.shared), memory === null ? '' : bundleHash(memory)]).toEqual(before)
      expect(clients[1]!.train.indices).toEqual(rows)
    })

    it('closes without changing the state it was given', async () => {
      const { server, client } = halves()
      const state = server.init(null)
      const before = bundleHash(state)
      const plan = planOf(state)
      const result = await client.perform(input(plan))
      await server.close(state, plan, foldOf(plan, result))
      expect(bundleHash(state)).toBe(before)
    })

    it('sends exactly what its task declares', async () => {
      const plan = planOf(halves().server.init(null))
      const { update, weight } = await halves().client.perform(input(plan))
      const packed = packUpdate(update, plan.uplink)
      expect(packed.tensors.map((tensor) => tensor.name)).toEqual(
        plan.uplink.flatMap((group) => group.tensors.map((t) => uplinkName(group.name, t.name))),
      )
      const { maxExamples } = config.aggregation
      expect(validateUpdate(packed, weight, { uplink: plan.uplink, maxExamples })).toBeNull()
    })

    it('settles its memory to a bundle that survives encode and decode, whatever the fate', async () => {
      const { client } = halves()
      const { pending } = await client.perform(input(planOf(halves().server.init(null))))
      for (const fate of ['accepted', 'refused', 'abandoned'] as const) {
        const memory =
          client.settle?.(null, pending, fate) ?? (fate === 'accepted' ? pending : null)
        if (memory !== null) expect(bundleHash(travelled(memory))).toBe(bundleHash(memory))
      }
    })

    it('leaves no tensors behind', async () => {
      const { server, client } = halves()
      const state = server.init(null)
      const plan = planOf(state)
      const before = tf.memory().numTensors
      const result = await client.perform(input(plan))
      await server.close(state, plan, foldOf(plan, result))
      client.predictor({ ...input(plan), memory: result.pending })?.dispose()
      expect(tf.memory().numTensors).toBe(before)
    })

    it('releases a full set of params if it says so, and only then', async () => {
      const { server } = halves()
      const { releases } = methodOf(config, catalogue)
      const { rounds } = await runRoundsInMemory({ config, clients, catalogue })
      for (const state of [server.init(null), partOf(rounds.at(-1)!.state, 'method')]) {
        const { bundle, predicts, assets } = server.released(state)
        expect(predicts).toBe(releases === 'model')
        if (!predicts) continue
        expect(() => paramsOf(modelOf(config, catalogue), bundle)).not.toThrow()
        expect(assets).toEqual({})
      }
      if (releases !== 'model') expect(server.adopt === undefined).toBe(true)
    })

    it('goes on from params that it is given, and changes nothing else', async () => {
      const { server } = halves()
      if (server.adopt === undefined) return
      const model = modelOf(config, catalogue)
      const given = paramsBundle(
        model,
        Float32Array.from({ length: model.parameterCount }, (_, i) => Math.sin(i + 1)),
      )
      // After training nothing in the state is what it was drawn as.
      const { rounds } = await runRoundsInMemory({ config, clients, catalogue })
      const state = partOf(rounds.at(-1)!.state, 'method')
      const adopted = server.adopt(state, given)
      expect(bundleHash(server.released(adopted).bundle)).toBe(bundleHash(given))
      expect(differing(adopted, state)).toBe(given.tensors.length)
      const back = server.adopt(adopted, server.released(state).bundle)
      expect(bundleHash(back)).toBe(bundleHash(state))
    })

    it('tells the local model where clients train the released one', async () => {
      const model = modelOf(config, catalogue)
      const plan = planOf(halves().server.init(null))
      const { local, update } = await halves().client.perform(input(plan))
      if (methodOf(config, catalogue).releases !== 'model') return expect(local).toBeUndefined()
      expect(local).toHaveLength(model.parameterCount)
      const start = paramsOf(model, plan.shared)
      const moved = local!.map((value, i) => value - start[i]!)
      expect(moved.some((value) => value !== 0)).toBe(true)
      if (SCALED.includes(name)) return
      const delta = update['delta']!.flatMap(({ data }) => [...data])
      expect([...moved]).toEqual(delta)
    })

    it('predicts one logit per class with what it released', () => {
      const { server, client } = halves()
      const { bundle, assets, predicts } = server.released(server.init(null))
      const predictor = client.predictor({
        shared: bundle,
        assets: assetsOf({}, { assets }),
        memory: null,
      })
      if (predictor === null) return expect(predicts).toBe(false)
      const facts = { rows: Int32Array.of(0, 1), domains: null }
      const { inputShape, classes } = config.task
      const shape = tf.tidy(() => predictor.predict(tf.zeros([2, ...inputShape]), facts).shape)
      predictor.dispose()
      expect(shape).toEqual([2, classes.length])
    })

    personalTests({ config, clients, catalogue })
  })
}

/** Number of tensors in which two states of the same form differ. */
function differing(state: Bundle, other: Bundle): number {
  expect([state.tensors, state.meta]).toEqual([other.tensors, other.meta])
  const others = tensorsOf(other)
  return tensorsOf(state).filter(({ data }, i) =>
    data.some((value, j) => !Object.is(value, others[i]!.data[j])),
  ).length
}

function foldOf(plan: RoundPlan, result: PerformResult) {
  const fold = createFold(plan.uplink)
  fold.add({ slot: 1, weight: result.weight, update: packUpdate(result.update, plan.uplink) })
  return fold.finish({ population: 3 })
}
