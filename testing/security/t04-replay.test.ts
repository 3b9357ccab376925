import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { updateIdOf, type TaskMessage } from '#protocol/messages.js'
import { beginOf, frameOf, type Outgoing, type SocketNode } from '#testing/socket-node.js'
import { codeOf, World } from './world.js'

const BYTES = Buffer.from('the one update of this member')

describe('SEC-T4: an update that was recorded', () => {
  let world: World
  let node: SocketNode
  let other: SocketNode
  let runId: RunId
  let second: RunId
  let task: TaskMessage
  let update: Outgoing
  beforeAll(async () => {
    // Faster than any node is allowed to be: what is tested lies behind the limits.
    const messages = { burst: 1e6, perSecond: 1e6 }
    world = await World.open({ serverLimits: { messages } })
    node = await world.join('a')
    other = await world.join('b')
    runId = await world.run()
    task = await node.task(1)
    update = { task, bytes: BYTES }
    second = await world.run()
  })
  afterAll(() => world.close())
  const counted = async () =>
    (await world.store.accepted(runId, 1, 1)).map(({ slot, sha256 }) => [slot, sha256])

  it('SEC-T4: counts once in its round, with the same answer every time', async () => {
    const verdicts = [await node.upload(update)]
    for (let times = 0; times < 20; times += 1) verdicts.push(await node.upload(update))
    expect(new Set(verdicts.map(codeOf))).toEqual(new Set(['ok']))
    expect(await counted()).toEqual([[task.slot, beginOf(update).sha256]])
  })
  it('SEC-T4: is refused by type as another update of the member, and the first stays', async () => {
    const changed = await node.upload({ task, bytes: Buffer.from('not the same') })
    expect(codeOf(changed)).toBe('update/conflict')
    expect(await counted()).toEqual([[task.slot, beginOf(update).sha256]])
  })
  it('SEC-T4: is refused wherever else it is replayed: 1000 random places', async () => {
    const place = fc.record({
      runId: fc.constantFrom(runId, second, 'run-000000000000'),
      round: fc.integer({ min: 1, max: 3 }),
      attempt: fc.integer({ min: 1, max: 3 }),
      slot: fc.integer({ min: 0, max: 2 }),
      lease: fc.constantFrom(task.lease, 'ab'.repeat(16)),
    })
    const codes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(place, fc.boolean(), async (at, isOther) => {
        const isSame = at.runId === runId && at.round === 1 && at.attempt === 1
        fc.pre(!(isSame && at.slot === task.slot && at.lease === task.lease && !isOther))
        const begin = { ...beginOf(update), ...at }
        // Once as it was recorded, once with an id that follows from the new place.
        const id = updateIdOf(begin)
        const sender = isOther ? other : node
        for (const updateId of [beginOf(update).updateId, id]) {
          const code = codeOf(await sender.ask('update:begin', { ...begin, updateId }))
          codes.set(code, (codes.get(code) ?? 0) + 1)
          expect(code).not.toBe('ok')
        }
      }),
      { numRuns: 500, seed: 4 },
    )
    expect([...codes.values()].reduce((sum, n) => sum + n, 0)).toBe(1000)
    for (const code of codes.keys())
      expect([
        'message/malformed',
        'round/not-leased',
        'round/closed',
        'update/conflict',
      ]).toContain(code)
    expect(await counted()).toEqual([[task.slot, beginOf(update).sha256]])
    expect(await world.store.accepted(second, 1, 1)).toEqual([])
  })
  it('SEC-T4: has chunks and an end that nobody can bring once more', async () => {
    for (const sender of [node, other]) {
      const chunk = await sender.ask('update:chunk', Buffer.from(frameOf(update, 0)))
      expect(codeOf(chunk)).not.toBe('ok')
    }
    expect(codeOf(await other.finish(update))).toBe('upload/out-of-order')
    expect(codeOf(await node.finish(update))).toBe('ok')
    expect(await counted()).toHaveLength(1)
  })
})
