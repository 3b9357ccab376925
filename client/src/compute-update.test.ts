import { describe, expect, it } from 'vitest'
import { float32Of, makeBundle, type Bundle, type NamedTensor } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { ClientHalf, PerformInput } from '#algorithms/methods/method.js'
import type { ClientHalves } from '#algorithms/programs/program.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { computeUpdate, settleMemory } from './compute-update.js'

const scalar = (name: string, value: number): NamedTensor => ({
  ...{ name, shape: [1], dtype: 'float32' },
  data: Float32Array.of(value),
})
const memoryOf = (value: number): Bundle => makeBundle([scalar('m', value)])
const group = (name: string, tensors: readonly string[]): UplinkGroup => ({
  ...{ name, reduce: 'sum', weight: 'none', grid: null, privacyClass: 'statistics', maxBytes: 8 },
  tensors: tensors.map((tensor) => ({ name: tensor, shape: [1], dtype: 'float32' })),
})
const INPUT: PerformInput = {
  ...{ round: 1, slot: 0, task: {}, shared: makeBundle([]), assets: {}, personal: null },
  ...{ data: tinyClients([4])[0]!, memory: null },
  uplink: [group('b', ['y', 'x']), group('a', ['z'])],
}
/** Makes its groups and tensors in another order than they were declared in. */
const half: ClientHalf = {
  perform: async () => ({
    update: { a: [scalar('z', 3)], b: [scalar('x', 2), scalar('y', 1)] },
    ...{ weight: 5, metrics: { loss: 0.5 }, pending: memoryOf(9) },
  }),
  predictor: () => null,
}
const halvesOf = (method: ClientHalf): ClientHalves => ({
  method,
  evaluation: half,
  calibration: half,
})

describe('an update', () => {
  it('holds the declared tensors in declared order, whatever order the method made them in', async () => {
    const { update, weight, metrics, pending } = await computeUpdate(
      halvesOf(half),
      'method',
      INPUT,
    )
    expect(update.tensors.map(({ name }) => name)).toEqual(['b/y', 'b/x', 'a/z'])
    expect(['b/y', 'b/x', 'a/z'].map((name) => float32Of(update, name)[0])).toEqual([1, 2, 3])
    expect({ weight, metrics }).toEqual({ weight: 5, metrics: { loss: 0.5 } })
    expect(pending).not.toBeNull()
  })

  it('is refused here already when a group is missing, or one too many', async () => {
    const uplink = [group('a', ['z'])]
    await expect(
      computeUpdate(halvesOf(half), 'method', { ...INPUT, uplink }),
    ).rejects.toMatchObject({ code: 'algorithm/failed' })
    await expect(
      computeUpdate(halvesOf(half), 'method', {
        ...INPUT,
        uplink: [...INPUT.uplink, group('c', ['w'])],
      }),
    ).rejects.toMatchObject({ code: 'algorithm/failed' })
  })

  it.each(['magic', 'constructor'])('is not made for the part %s', async (part) => {
    await expect(computeUpdate(halvesOf(half), part, INPUT)).rejects.toMatchObject({
      code: 'message/malformed',
    })
  })
})

describe('the memory', () => {
  const outcome = { memory: memoryOf(1), pending: memoryOf(2) }

  it.each([
    ['accepted', 2],
    ['refused', 1],
    ['abandoned', 1],
  ] as const)('of an %s update is that of %s, if the method says nothing else', (fate, value) => {
    const kept = settleMemory(halvesOf(half), 'method', { ...outcome, fate })
    expect(kept === null ? null : float32Of(kept, 'm')[0]).toBe(value)
  })

  it('is what the method says where it says something', () => {
    const keeps: ClientHalf = { ...half, settle: (_memory, pending) => pending }
    const kept = settleMemory(halvesOf(keeps), 'method', { ...outcome, fate: 'refused' })
    expect(kept).toBe(outcome.pending)
  })
})
