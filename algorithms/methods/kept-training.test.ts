import { describe, expect, it } from 'vitest'
import { bundleHash, makeBundle, tensorsOf, type Bundle } from '#protocol/bundle.js'
import type { Fate } from '#protocol/record.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { keepingTraining, keptOf } from './kept-training.js'
import type { ClientHalf, PerformInput } from './method.js'

const numberOf = (value: number, meta = {}): Bundle =>
  makeBundle([{ name: 'n', shape: [1], dtype: 'float32', data: Float32Array.of(value) }], meta)
const valueIn = (memory: Bundle | null): number =>
  memory === null ? Number.NaN : tensorsOf(memory)[0]!.data[0]!

/** Counts its trainings, and would forget those that do not count. */
const counting: ClientHalf = {
  perform: ({ memory }) =>
    Promise.resolve({
      ...{ update: {}, weight: 1, metrics: { loss: 1 } },
      pending: numberOf(memory === null ? 1 : valueIn(memory) + 1, { own: 'text' }),
    }),
  settle: (memory) => memory,
  told: () => ({ nothing: 0 }),
  predictor: () => null,
}
const half = keepingTraining(counting)
const input = (round: number, memory: Bundle | null): PerformInput => ({
  ...{ round, slot: 0, task: {}, shared: makeBundle([]), assets: {}, personal: null },
  ...{ data: tinyClients([1])[0]!, memory, uplink: [] },
})
async function after(...rounds: readonly (readonly [round: number, fate: Fate])[]) {
  let memory: Bundle | null = null
  for (const [round, fate] of rounds) {
    const { pending } = await half.perform(input(round, memory))
    memory = half.settle!(memory, pending, fate)
  }
  return memory
}

describe('a client half that keeps its training', () => {
  it.each(['accepted', 'refused', 'abandoned'] as const)('keeps what was %s', async (fate) => {
    expect(valueIn(await after([1, 'accepted'], [2, fate]))).toBe(2)
    expect(valueIn(await after([1, fate]))).toBe(1)
  })

  it('tells of the rounds that did not count, and how often each was trained', async () => {
    expect(half.told!(null)).toEqual({})
    expect(half.told!(await after([1, 'accepted']))).toEqual({})
    expect(half.told!(await after([1, 'refused']))).toEqual({ 'kept/1': 1 })
    const memory = await after([1, 'accepted'], [2, 'refused'], [2, 'abandoned'], [5, 'refused'])
    expect(half.told!(memory)).toEqual({ 'kept/2': 2, 'kept/5': 1 })
    expect(valueIn(memory)).toBe(4)
  })

  it('has nothing more to tell once an update counted that told it', async () => {
    const memory = await after([1, 'refused'], [2, 'refused'], [3, 'accepted'])
    expect(half.told!(memory)).toEqual({})
    expect(half.told!(await after([1, 'refused'], [3, 'accepted'], [4, 'abandoned']))).toEqual({
      'kept/4': 1,
    })
  })

  it('has the same memory for the same trainings, whether it told of them or they counted', async () => {
    const [told, counted] = [
      await after([1, 'refused'], [2, 'accepted']),
      await after([1, 'accepted'], [2, 'accepted']),
    ]
    expect(bundleHash(told!)).toBe(bundleHash(counted!))
  })

  it('leaves tensors and meta of the half as they are', async () => {
    const memory = (await after([3, 'refused']))!
    expect(memory.meta).toEqual({ own: 'text', training: { kept: { 3: 1 }, round: 3 } })
    expect(memory.tensors).toEqual(numberOf(1).tensors)
  })

  it('does not mark what it has none of: without pending memory the old one stays', async () => {
    const silent = keepingTraining({
      ...counting,
      perform: () => Promise.resolve({ update: {}, weight: 1, metrics: {}, pending: null }),
    })
    expect((await silent.perform(input(1, null))).pending).toBeNull()
    const memory = numberOf(7)
    for (const fate of ['accepted', 'refused'] as const)
      expect(silent.settle!(memory, null, fate)).toBe(memory)
    expect(silent.settle!(null, null, 'refused')).toBeNull()
  })

  it('takes memory without a mark, as of an earlier version, for one with nothing to tell', () => {
    const odd = [numberOf(1), numberOf(1, { training: 3 }), numberOf(1, { training: { kept: [] } })]
    for (const memory of odd) expect(half.told!(memory)).toEqual({})
  })
})

describe('what a client told of its kept trainings', () => {
  it('is read out of the metrics of an update, and nothing else is', () => {
    const metrics = { loss: 0.5, 'kept/2': 2, 'kept/11': 1, 'kept/x': 4, 'unkept/3': 1, kept: 1 }
    expect(keptOf(metrics)).toEqual(
      new Map([
        [2, 2],
        [11, 1],
      ]),
    )
    expect(keptOf({})).toEqual(new Map())
  })

  it('comes back as it was told', async () => {
    const memory = await after([1, 'refused'], [4, 'refused'], [4, 'abandoned'])
    expect(keptOf({ steps: 3, ...half.told!(memory) })).toEqual(
      new Map([
        [1, 1],
        [4, 2],
      ]),
    )
  })
})
