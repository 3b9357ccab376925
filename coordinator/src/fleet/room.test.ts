import { beforeEach, describe, expect, it } from 'vitest'
import type { UplinkGroup } from '#protocol/uplink.js'
import { CONFIG, FleetWorld, RUN, settleDown, updateOf, type Told } from '#testing/fleet-world.js'
import { beginOf } from '#testing/socket-node.js'

const HEADER_BYTES = 1_048_576
const group = (name: string, reduce: 'gather' | 'sum', maxBytes: number): UplinkGroup => ({
  ...{ name, reduce, maxBytes, weight: 'none', tensors: [], privacyClass: 'per-example' },
  grid: reduce === 'gather' ? null : { bits: 10, maxAbs: 1 },
})
const [ROWS, SUM] = [group('rows', 'gather', 5e6), group('sum', 'sum', 2e6)]

describe('room for updates', () => {
  let world: FleetWorld
  beforeEach(async () => {
    world = await FleetWorld.create()
  })
  const opened = async (limits?: { maxUpdateBytes: number; maxRoundBytes: number }) => {
    const fleet = world.restart(limits === undefined ? {} : { limits })
    const [b, a] = [world.join('b'), world.join('a')]
    expect(await fleet.available(RUN, CONFIG)).toEqual([0, 1])
    const { plan } = world.opening()
    const { ended } = world.exchange(world.opening({ plan: { ...plan, uplink: [ROWS, SUM] } }))
    await settleDown()
    const begin = (from: Told, slot: number, bytes: number): Promise<object> =>
      fleet.reception.begin(from, { ...beginOf(updateOf(slot)), bytes })
    return { a, b, begin, ended, fleet }
  }
  const tooLarge: unknown = expect.objectContaining({ code: 'bundle/too-large' })

  it('is what the round declares, with a header', async () => {
    const { a, b, begin } = await opened()
    await expect(begin(a, 0, 7e6 + HEADER_BYTES + 1)).rejects.toEqual(tooLarge)
    expect(await begin(a, 0, 7e6 + HEADER_BYTES)).toMatchObject({ ok: true, nextChunk: 0 })
    expect(await begin(b, 1, 7e6 + HEADER_BYTES)).toMatchObject({ ok: true })
  })

  it("is never above the coordinator's limit of one update", async () => {
    const { a, begin } = await opened({ maxUpdateBytes: 1e6, maxRoundBytes: 1e9 })
    await expect(begin(a, 0, 1e6 + HEADER_BYTES + 1)).rejects.toEqual(tooLarge)
    expect(await begin(a, 0, 1e6 + HEADER_BYTES)).toMatchObject({ ok: true })
  })

  it('is for all together what one round may gather; sums need none', async () => {
    const limits = { maxUpdateBytes: 1e9, maxRoundBytes: 8e6 }
    const { a, b, begin, ended, fleet } = await opened(limits)
    expect(await begin(a, 0, 7e6)).toMatchObject({ ok: true })
    await expect(begin(b, 1, 5e6 + 1)).rejects.toEqual(tooLarge)
    expect(await begin(b, 1, 5e6)).toMatchObject({ ok: true })
    // The same update again is counted once.
    expect(await begin(a, 0, 7e6)).toMatchObject({ ok: true })
    // Who fails frees its room.
    await expect(begin(b, 1, 6e6)).rejects.toEqual(tooLarge)
    const { task } = updateOf(0)
    const problem = { code: 'task/failed', message: 'ended' } as const
    await fleet.reception.failed(a, { ...task, problem })
    expect(await begin(b, 1, 6e6)).toMatchObject({ ok: true })
    await fleet.reception.failed(b, { ...updateOf(1).task, problem })
    expect(await ended).toEqual([])
  })

  it('is shared by members that begin at the same time', async () => {
    const { a, b, begin } = await opened({ maxUpdateBytes: 1e9, maxRoundBytes: 8e6 })
    const both = await Promise.allSettled([begin(a, 0, 7e6), begin(b, 1, 7e6)])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(both[1]).toMatchObject({ reason: { code: 'bundle/too-large' } })
  })
})
