import { beforeEach, describe, expect, it } from 'vitest'
import type { RunId, Slot } from '#protocol/ids.js'
import type { RunRow } from '#coordinator/store/store.js'
import { DEADLINE } from '#coordinator/clock.js'
import { FakeClock } from '#testing/fake-clock.js'
import {
  CONFIG,
  FleetWorld,
  head,
  idOf,
  leaseOf,
  RUN,
  settleDown,
  updateOf,
  type Told,
} from '#testing/fleet-world.js'
import type { Outgoing } from '#testing/socket-node.js'
import { CoolDowns } from './cool-down.js'

const OTHER = 'run-zzzzzzzzzzzz' as RunId

describe('cool-downs', () => {
  it('begin with the third failure in a row, double, end at an hour, and are over after a success', () => {
    const clock = new FakeClock()
    const coolDowns = new CoolDowns(clock)
    const fail = (): number | null => coolDowns.failed(RUN, idOf('a'), 'no memory')?.seconds ?? null
    expect([fail(), fail(), fail(), fail()]).toEqual([null, null, 60, 120])
    expect(coolDowns.nextEndMs).toBe(120_000)
    clock.advance(119_999)
    expect(coolDowns.of(RUN, idOf('a'))).toMatchObject({ failures: 4, seconds: 1 })
    clock.advance(1)
    expect([coolDowns.of(RUN, idOf('a')), coolDowns.nextEndMs]).toEqual([null, null])
    // Its failures are not forgotten: the next one counts on.
    const later = Array.from({ length: 8 }, fail)
    expect(later).toEqual([240, 480, 960, 1920, 3600, 3600, 3600, 3600])
    coolDowns.succeeded(RUN, idOf('a'))
    expect([fail(), fail(), fail()]).toEqual([null, null, 60])
  })

  it('are each run’s own, and forgotten with it', () => {
    const coolDowns = new CoolDowns(new FakeClock())
    for (let i = 0; i < 3; i += 1) coolDowns.failed(RUN, idOf('a'), 'no memory')
    expect(coolDowns.of(OTHER, idOf('a'))).toBeNull()
    expect(coolDowns.list()).toHaveLength(1)
    coolDowns.forget(OTHER)
    expect(coolDowns.list()).toHaveLength(1)
    coolDowns.forget(RUN)
    expect(coolDowns.list()).toEqual([])
  })
})

describe('a fleet', () => {
  let world: FleetWorld
  let nodes: readonly [Told, Told]
  beforeEach(async () => {
    number = 0
    world = await FleetWorld.create()
    nodes = [world.join('a'), world.join('b')]
    expect(await world.fleet.available(RUN, CONFIG)).toEqual([0, 1])
  })
  const available = () => world.fleet.available(RUN, CONFIG)
  const coolings = () => world.notes.filter(([type]) => type === 'member:cooling-down')
  /** Of the latest round. */
  let number = 0
  const updateNow = (slot: Slot): Outgoing => {
    const { task, ...update } = updateOf(slot)
    return { ...update, task: { ...task, round: number } }
  }
  /** A round in which `a` fails as given, and `b` answers. */
  async function round(
    fail: (exchange: ReturnType<FleetWorld['exchange']>) => Promise<unknown>,
  ): Promise<void> {
    number += 1
    const exchange = world.exchange(world.opening({ round: number }))
    await settleDown()
    await fail(exchange)
    if (!exchange.abort.signal.aborted) await world.upload(nodes[1], updateNow(1))
    await exchange.ended
  }
  const outOfMemory = () =>
    world.fleet.reception.failed(nodes[0], {
      ...{ runId: RUN, round: number, attempt: 1, slot: 0, lease: leaseOf(0) },
      problem: { code: 'task/failed', message: 'no memory' },
    })

  it('asks a node that failed three times in a row again after a minute, and says so', async () => {
    for (let times = 0; times < 2; times += 1) await round(outOfMemory)
    expect(await available()).toEqual([0, 1])
    await round(outOfMemory)
    expect(await available()).toEqual([1])
    const told = { nodeId: idOf('a'), name: 'a', failures: 3, seconds: 60, reason: 'no memory' }
    expect(coolings()).toEqual([['member:cooling-down', told]])
    expect(world.fleet.coolDownsOf(idOf('a'))).toMatchObject([{ runId: RUN, failures: 3 }])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([
      'a is not asked for a while, as it failed 3 times in a row: no memory',
    ])
    // Whoever waits for members looks again when it is over, though nobody comes or goes.
    const changed = world.fleet.changed(new AbortController().signal)
    world.clock.advance(60_000)
    await changed
    expect(await available()).toEqual([0, 1])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([])
    expect(world.clock.pending).toBe(0)
  })

  it('leaves no timer behind when nobody waits any more', async () => {
    for (let times = 0; times < 3; times += 1) await round(outOfMemory)
    const abort = new AbortController()
    const changed = world.fleet.changed(abort.signal)
    expect(world.clock.pending).toBe(1)
    abort.abort()
    await changed
    expect(world.clock.pending).toBe(0)
  })

  it('goes on asking it in other runs', async () => {
    await world.store.createRun({ runId: OTHER } as RunRow, head({}))
    for (let times = 0; times < 3; times += 1) await round(outOfMemory)
    expect(await world.fleet.available(OTHER, CONFIG)).toEqual([0, 1])
  })

  it('forgives failures when an update counts', async () => {
    for (let times = 0; times < 6; times += 1) {
      await round(times % 3 === 2 ? () => world.upload(nodes[0], updateNow(0)) : outOfMemory)
    }
    expect(coolings()).toEqual([])
  })

  it('counts who is too slow for the deadline, not who was away, busy elsewhere or not needed any more', async () => {
    await world.store.createRun({ runId: OTHER } as RunRow, head({}))
    await world.fleet.available(OTHER, CONFIG)
    const atDeadline = ({ abort }: ReturnType<FleetWorld['exchange']>): Promise<void> =>
      Promise.resolve(abort.abort(DEADLINE))
    for (let times = 0; times < 3; times += 1) {
      const other = world.exchange(world.opening({ runId: OTHER }))
      await settleDown()
      // `a` and `b` are busy with the other run's tasks.
      await round(atDeadline)
      other.abort.abort()
      await other.ended
    }
    expect(coolings()).toEqual([])
    for (let times = 0; times < 3; times += 1)
      await round(({ abort }) => Promise.resolve(abort.abort()))
    expect(coolings()).toEqual([])
    for (let times = 0; times < 3; times += 1) await round(atDeadline)
    expect(coolings().map(([, { name }]) => name)).toEqual(['a', 'b'])
    expect(world.fleet.missing(RUN)).toEqual([
      'a: At the deadline the node still worked on it',
      'b: At the deadline the node still worked on it',
    ])
  })

  it('says who was away or busy at the deadline, and how far the others were', async () => {
    await world.store.createRun({ runId: OTHER } as RunRow, head({}))
    await world.fleet.available(OTHER, CONFIG)
    const { abort, ended } = world.exchange(world.opening({ graceSeconds: 100 }))
    await settleDown()
    world.fleet.reception.progress(nodes[0], { runId: RUN, round: 1, slot: 0, done: 3, total: 9 })
    world.fleet.leave(nodes[1])
    const other = world.exchange(world.opening({ runId: OTHER, graceSeconds: 100 }))
    await settleDown()
    expect(world.fleet.waitingFor(RUN)).toBeNull()
    expect(world.fleet.waitingFor(OTHER)).toBe(
      `Round 1 has heard from 0 of 2 members and waits at most 60 s more: a is busy with ${RUN}, b is away`,
    )
    other.abort.abort(DEADLINE)
    await other.ended
    expect(world.fleet.missing(OTHER)).toEqual([
      `a: At the deadline the node was busy with ${RUN}`,
      'b: At the deadline the node was away',
    ])
    expect(world.fleet.waitingFor(OTHER)).toBeNull()
    abort.abort(DEADLINE)
    await ended
    expect(world.fleet.missing(RUN)).toEqual([
      'a: At the deadline the node still worked on it, 3 of 9 steps done',
      'b: At the deadline the node was away',
    ])
  })

  it('says that an open round waits when nobody works on it', async () => {
    const { abort, ended } = world.exchange(world.opening({ graceSeconds: 100 }))
    await settleDown()
    await world.upload(nodes[1], updateOf(1))
    expect(world.fleet.waitingFor(RUN)).toBeNull()
    world.clock.advance(12_000)
    world.fleet.leave(nodes[0])
    expect(world.fleet.waitingFor(RUN)).toBe(
      'Round 1 has heard from 1 of 2 members and waits at most 48 s more: a is away',
    )
    world.join('a')
    expect(world.fleet.waitingFor(RUN)).toBeNull()
    abort.abort()
    await ended
  })

  it('tells a node of an over-selected round how many updates its own is mixed with', async () => {
    const told: number[] = []
    const task = world.opening({ wanted: 1 })
    const { abort, ended } = world.exchange(task)
    nodes[0].link.send = async (_name, message) => {
      if ('cohort' in message) told.push(message.cohort)
      return { ok: true } as never
    }
    world.fleet.leave(nodes[0])
    world.fleet.join(nodes[0])
    await settleDown()
    expect(told).toEqual([1])
    abort.abort()
    await ended
  })
})
