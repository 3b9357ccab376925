/** What every method with personal models must hold; and that no other has what belongs to them. Called by `describeMethod`. */
import { expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { methodOf, methodSetup, modelOf, serverSetup } from '#algorithms/from-config.js'
import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { keptOf } from '#algorithms/methods/kept-training.js'
import type { PredictorHandle, PredictorInput } from '#algorithms/methods/method.js'
import { paramsOf } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { assetsOf, runRoundsInMemory, travelled } from './run-rounds-in-memory.js'

/** Methods whose clients predict with a part of their own and a part that all share. */
const SHARING = ['fedper']
const SLOT = 1

export interface PersonalLab {
  readonly config: RunConfig
  readonly clients: readonly ClientData[]
  readonly catalogue: Catalogue
}

export function personalTests({ config, clients, catalogue }: PersonalLab): void {
  const method = methodOf(config, catalogue)
  const client = () => method.client(methodSetup(config, catalogue))
  const server = () => method.server(serverSetup(config, catalogue))
  const run = (fate: 'accepted' | 'refused' | 'abandoned', rounds = config.rounds) =>
    runRoundsInMemory({
      ...{ config: { ...config, rounds }, clients, catalogue },
      fateOf: (_round, slot) => (slot === SLOT ? fate : 'accepted'),
    })
  const exported = (memory: Bundle) => client().personalModel!(memory)
  const logits = (handle: PredictorHandle | null): readonly number[] => {
    expect(handle).not.toBeNull()
    const facts = { rows: Int32Array.of(0, 1), domains: null }
    const { inputShape } = config.task
    const values = tf.tidy(() => [
      ...handle!.predict(tf.ones([2, ...inputShape]), facts).dataSync(),
    ])
    handle!.dispose()
    return values
  }
  const own = client()
  const isKeeping = own.told !== undefined
  const told = (memory: Bundle | null) => own.told?.(memory) ?? {}

  if (method.personal !== true) {
    it('has no personal model to export', () => {
      expect('personalModel' in client()).toBe(false)
    })
    return
  }

  it('exports a full set of params of what its client trains, and nothing else', async () => {
    const { memories } = await run('accepted')
    const { params, model: choice } = exported(travelled(memories.get(SLOT)!))
    const model = modelOf({ ...config, model: choice }, catalogue)
    expect(() => paramsOf(model, params)).not.toThrow()
    expect(params.tensors).toHaveLength(model.params.length)
    expect(params.meta).toEqual({})
    expect(bundleHash(exported(memories.get(0)!).params)).not.toBe(bundleHash(params))
  })

  it('predicts with the client’s own model, and with what it exports', async () => {
    const { memories, released: shared } = await run('accepted')
    const memory = memories.get(SLOT)!
    const predicted = logits(client().predictor({ shared, assets: {}, memory, slot: SLOT }))
    const others = logits(
      client().predictor({ shared, assets: {}, memory: memories.get(0)!, slot: 0 }),
    )
    expect(predicted).not.toEqual(others)
    if (SHARING.includes(method.name)) return
    const { params, model: choice } = exported(memory)
    const model = modelOf({ ...config, model: choice }, catalogue)
    expect(predicted).toEqual(logits(modelPredictor(model, paramsOf(model, params))))
  })

  it('predicts before a client was ever asked, from a task and from what is released', () => {
    const half = server()
    const state = half.init(null)
    const plan = half.next(state)
    if (plan === 'done') throw new Error(`${method.name} ends before its first round`)
    const { bundle, assets } = half.released(state)
    const from = (input: Pick<PredictorInput, 'shared' | 'assets'>) =>
      logits(client().predictor({ ...input, memory: null, slot: SLOT }))
    const byTask = from({ shared: plan.shared, assets: assetsOf({}, plan) })
    expect(from({ shared: bundle, assets: assetsOf({}, { assets }) })).toEqual(byTask)
    expect(byTask.every(Number.isFinite)).toBe(true)
  })

  it('keeps what a client has when its update does not count, and trained where it says so', async () => {
    const counted = await run('accepted', 1)
    for (const fate of ['refused', 'abandoned'] as const) {
      const lost = (await run(fate, 1)).memories.get(SLOT)
      if (!isKeeping) {
        expect(lost).toBeUndefined()
        continue
      }
      expect(bundleHash(exported(travelled(lost!)).params)).toBe(
        bundleHash(exported(counted.memories.get(SLOT)!).params),
      )
    }
  })

  if (isKeeping) {
    it('tells of kept trainings with the next update, until one counts', async () => {
      expect(told(null)).toEqual({})
      const lost = (await run('refused', 2)).memories.get(SLOT)!
      expect(keptOf(told(travelled(lost)))).toEqual(
        new Map([
          [1, 1],
          [2, 1],
        ]),
      )
      expect(told((await run('accepted', 2)).memories.get(SLOT)!)).toEqual({})
      const { rounds, memories } = await runRoundsInMemory({
        ...{ config: { ...config, rounds: 2 }, clients, catalogue },
        fateOf: (round, slot) => (slot === SLOT && round === 1 ? 'refused' : 'accepted'),
      })
      expect(keptOf(rounds[1]!.clientMetrics.get(SLOT)!)).toEqual(new Map([[1, 1]]))
      expect(keptOf(rounds[1]!.clientMetrics.get(0)!)).toEqual(new Map())
      expect(told(memories.get(SLOT)!)).toEqual({})
    })
  }

  if (method.closesEmpty === true) {
    it('closes a round that nobody answered', async () => {
      const half = server()
      const state = half.init(null)
      const plan = half.next(state)
      if (plan === 'done') throw new Error(`${method.name} ends before its first round`)
      const folded = createFold(plan.uplink).finish({ population: 3, mayBeEmpty: true })
      const closed = await half.close(state, plan, folded)
      expect(Object.values(closed.metrics).every(Number.isFinite)).toBe(true)
      expect(closed.personal?.size ?? 0).toBe(0)
      expect(half.next(travelled(closed.state))).not.toBe('done')
    })
  }
}
