import { beforeEach, describe, expect, it } from 'vitest'
import { sha256, type NodeId, type Slot } from '#protocol/ids.js'
import {
  CONFIG,
  FleetWorld,
  idOf,
  leaseOf,
  RUN,
  settleDown,
  updateOf,
  type Told,
} from '#testing/fleet-world.js'
import { TINY_CARD } from '#testing/socket-node.js'
import type { Contribution } from './fleet.js'

describe('a round that waits until its deadline', () => {
  let world: FleetWorld
  let nodes: readonly [Told, Told]
  /** Whose update the exchange has taken. */
  let arrived: (Slot | undefined)[] | null

  beforeEach(async () => {
    world = await FleetWorld.create()
    nodes = [world.join('a'), world.join('b')]
    expect(await world.fleet.available(RUN, CONFIG)).toEqual([0, 1])
  })
  const open = async (done: readonly Slot[] = []) => {
    const base = world.opening()
    const opening = { ...base, plan: { ...base.plan, patience: 'deadline' as const } }
    const exchange = world.exchange(opening, done)
    arrived = null
    void exchange.ended.then((slots) => (arrived = slots))
    await settleDown()
    return exchange
  }
  const waitsFor = () =>
    world.notes.filter(([type]) => type === 'round:waiting-for').map(([, { slots }]) => slots)
  const failures = () =>
    world.notes.filter(([type]) => type === 'task:failed').map(([, { slot, code }]) => [slot, code])
  /** Far beyond every grace period, and not at the deadline, which the run's loop keeps. */
  const muchLater = async (): Promise<void> => {
    world.clock.advance(59_000)
    await settleDown()
  }

  it('waits for a member that went away, and tells people so once', async () => {
    await open()
    world.fleet.leave(nodes[0])
    expect(waitsFor()).toEqual([])
    await world.upload(nodes[1], updateOf(1))
    await muchLater()
    expect([arrived, failures()]).toEqual([null, []])
    expect(waitsFor()).toEqual([[0]])
    const again = world.join('a')
    expect(again.told).toEqual(['round:start 1'])
    world.fleet.leave(again)
    expect(waitsFor()).toEqual([[0]])
    await world.upload(world.join('a'), updateOf(0))
    await settleDown()
    expect(arrived).toEqual([1, 0])
    expect(world.clock.pending).toBe(0)
  })

  it('asks a member that was away when it opened as soon as it is there', async () => {
    world.fleet.leave(nodes[0])
    await open()
    await muchLater()
    await world.upload(nodes[1], updateOf(1))
    expect(waitsFor()).toEqual([[0]])
    const back = world.join('a')
    expect(back.told).toEqual(['round:start 1'])
    await world.upload(back, updateOf(0))
    await settleDown()
    expect(arrived).toEqual([1, 0])
  })

  it('ends at the deadline without the member, with what has arrived', async () => {
    const { abort } = await open()
    world.fleet.leave(nodes[0])
    await world.upload(nodes[1], updateOf(1))
    abort.abort()
    await settleDown()
    expect(arrived).toEqual([1])
  })

  it('does not wait for a member that said that its task failed', async () => {
    await open()
    const place = { runId: RUN, round: 1, attempt: 1, slot: 0, lease: leaseOf(0) }
    const problem = { code: 'task/failed' as const, message: 'no memory' }
    await world.fleet.reception.failed(nodes[0], { ...place, problem })
    await world.upload(nodes[1], updateOf(1))
    await settleDown()
    expect(arrived).toEqual([1])
    expect(waitsFor()).toEqual([])
  })

  it('does not wait for a member that is revoked, there or away', async () => {
    await open()
    world.fleet.leave(nodes[0])
    world.fleet.expel(nodes[0].nodeId)
    expect(failures()).toEqual([[0, 'task/failed']])
    await settleDown()
    expect(arrived).toBeNull()
    world.fleet.expel(nodes[1].nodeId)
    await settleDown()
    expect(arrived).toEqual([])
    expect(nodes[1].isClosed).toBe(true)
  })

  it('judges what a revoked member had sent before', async () => {
    const options = { done: new Set<Slot>(), signal: new AbortController().signal }
    const exchange = world.fleet.exchange(world.opening(), CONFIG, options)
    const arrivals = exchange[Symbol.asyncIterator]()
    const first = arrivals.next()
    await settleDown()
    const judged = world.upload(nodes[0], updateOf(0))
    const { value } = (await first) as IteratorYieldResult<Contribution>
    world.fleet.expel(nodes[0].nodeId)
    await value.answer(new Map([[0, 'accepted']]))
    expect(await judged).toMatchObject({ status: 'accepted' })
    expect(failures()).toEqual([])
    await arrivals.return?.()
  })

  it('does not take a member back that comes with other data', async () => {
    await open()
    world.fleet.leave(nodes[0])
    const other = { ...TINY_CARD, counts: { train: 1, test: 0, perClass: [1, 0, 0] } }
    expect(world.join('a', other).told).toEqual([])
    expect(failures()).toEqual([[0, 'data/mismatch']])
    await world.upload(nodes[1], updateOf(1))
    await settleDown()
    expect(arrived).toEqual([1])
  })

  it('goes on after a restart of the coordinator with who has not answered', async () => {
    world.restart()
    await open([1])
    await muchLater()
    expect(arrived).toBeNull()
    expect(waitsFor()).toEqual([[0]])
    await world.upload(world.join('a'), updateOf(0))
    await settleDown()
    expect(arrived).toEqual([0])
  })

  const revoke = async (name: string): Promise<void> => {
    const nodeId: NodeId = idOf(name)
    const node = { nodeId, name, publicKey: sha256(name), enrolledAt: '', revokedAt: null }
    await world.store.addNode(node)
    await world.store.revokeNode(nodeId, world.clock.timestamp())
  }

  it('leaves out who was revoked while the coordinator was away', async () => {
    await revoke('a')
    world.restart()
    world.join('b')
    await open()
    await world.upload(world.fleet.registry.get(idOf('b'))!, updateOf(1))
    await settleDown()
    expect(arrived).toEqual([1])
  })

  it('has every member in its cohort but those who can take no task again', async () => {
    const members = (): Promise<readonly Slot[]> => world.fleet.members(RUN, CONFIG)
    world.join('c')
    world.fleet.leave(nodes[0])
    expect(await members()).toEqual([0, 1, 2])
    await revoke('b')
    world.fleet.expel(idOf('b'))
    expect(await members()).toEqual([0, 2])
    world.join('a', { ...TINY_CARD, counts: { train: 1, test: 0, perClass: [1, 0, 0] } })
    expect(await members()).toEqual([2])
  })
})
