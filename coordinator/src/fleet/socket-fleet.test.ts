import { beforeEach, describe, expect, it } from 'vitest'
import { sha256, type RunId, type Slot } from '#protocol/ids.js'
import type { Ack, Message, TaskMessage } from '#protocol/messages.js'
import type { RunRow } from '#coordinator/store/store.js'
import {
  CONFIG,
  FleetWorld,
  head,
  idOf,
  leaseOf,
  RUN,
  session,
  settleDown,
  updateOf,
  type Told,
} from '#testing/fleet-world.js'
import { beginOf, frameOf, TINY_CARD, type Outgoing } from '#testing/socket-node.js'
import type { Announcement, Session } from './registry.js'

describe('the fleet', () => {
  let world: FleetWorld
  let store: FleetWorld['store']
  let clock: FleetWorld['clock']
  let fleet: FleetWorld['fleet']
  let shared: FleetWorld['shared']
  const join = (name: string): Told => world.join(name)
  const opening: FleetWorld['opening'] = (change) => world.opening(change)
  const exchange = (what = opening(), done: readonly Slot[] = []) => world.exchange(what, done)
  const upload = (from: Told, update: Outgoing): Promise<object> => world.upload(from, update)
  const notes = () => world.notes.map(([type, { code }]) => [type, code])

  beforeEach(async () => {
    world = await FleetWorld.create()
    ;({ store, clock, fleet, shared } = world)
  })
  const enlistTwo = async (): Promise<readonly [Told, Told]> => {
    const sessions = [join('b'), join('a')] as const
    expect(await fleet.available(RUN, CONFIG)).toEqual([0, 1])
    return [sessions[1], sessions[0]]
  }

  it('gives newcomers slots in the order of their names, and keeps them', async () => {
    await enlistTwo()
    join('0')
    expect(await fleet.available(RUN, CONFIG)).toEqual([0, 1, 2])
    expect((await store.roster(RUN)).map(({ name }) => name)).toEqual(['a', 'b', '0'])
  })

  it('does not count who is away, whose data do not fit or are not what they were', async () => {
    const [a, b] = await enlistTwo()
    fleet.leave(a)
    expect(await fleet.available(RUN, CONFIG)).toEqual([1])
    const other = { ...TINY_CARD, counts: { train: 1, test: 0, perClass: [1, 0, 0] } }
    fleet.leave(b)
    fleet.join(session('b', other))
    fleet.join(session('c', { ...TINY_CARD, inputShape: [5] }))
    expect(await fleet.available(RUN, CONFIG)).toEqual([])
    await fleet.available(RUN, CONFIG)
    // Told once, however often the loop looks.
    expect(notes()).toEqual([
      ['member:refused', 'data/mismatch'],
      ['member:refused', 'data/mismatch'],
    ])
  })

  it('says when somebody comes or goes', async () => {
    const abort = new AbortController()
    const coming = fleet.changed(abort.signal)
    const joined = join('a')
    await coming
    const going = fleet.changed(abort.signal)
    fleet.leave(joined)
    await going
    const never = fleet.changed(abort.signal)
    abort.abort()
    await never
    await fleet.changed(abort.signal)
  })

  it('ends an exchange when every member has contributed', async () => {
    const [a, b] = await enlistTwo()
    const { ended, seen } = exchange()
    await settleDown()
    expect([a.told, b.told]).toEqual([['round:start 1'], ['round:start 1']])
    const reading = await fleet.readBlob(a.nodeId, shared.hash)
    reading?.count(5)
    expect(await upload(b, updateOf(1))).toEqual({ ok: true, status: 'accepted' })
    await upload(a, updateOf(0))
    expect(await ended).toEqual([1, 0])
    expect(seen[1]).toMatchObject({ bytesDown: 5, bytesUp: frameOf(updateOf(0), 0).length })
    expect(clock.pending).toBe(0)
  })

  it('does not ask members who have contributed before a restart', async () => {
    const [a, b] = await enlistTwo()
    const { ended } = exchange(opening(), [0])
    await settleDown()
    expect([a.told, b.told]).toEqual([[], ['round:start 1']])
    await upload(b, updateOf(1))
    expect(await ended).toEqual([1])
  })

  it('ends at once when nobody is left to ask, and when it is aborted', async () => {
    await enlistTwo()
    expect(await exchange(opening(), [0, 1]).ended).toEqual([])
    const { ended, abort } = exchange()
    await settleDown()
    abort.abort()
    expect(await ended).toEqual([])
  })

  it('waits for a member that is away as long as the configuration says, and tells it again when it is back', async () => {
    const [a, b] = await enlistTwo()
    const { ended } = exchange()
    await settleDown()
    fleet.leave(a)
    clock.advance(4_999)
    const again = join('a')
    expect(again.told).toEqual(['round:start 1'])
    fleet.leave(again)
    await upload(b, updateOf(1))
    clock.advance(5_000)
    expect(await ended).toEqual([1])
    expect(notes()).toEqual([['task:failed', 'task/failed']])
  })

  it('takes the update of a member that was given up, as long as the round is open', async () => {
    const [a, b] = await enlistTwo()
    const { ended } = exchange()
    await settleDown()
    fleet.leave(a)
    clock.advance(5_000)
    const again = join('a')
    expect(again.told).toEqual(['round:start 1'])
    await upload(b, updateOf(1))
    expect(await upload(again, updateOf(0))).toMatchObject({ status: 'accepted' })
    expect(await ended).toEqual([1, 0])
  })

  it('offers a node that serves two runs the task of the second when that of the first is over', async () => {
    const [a] = await enlistTwo()
    const other = 'run-zzzzzzzzzzzz' as RunId
    await store.createRun({ runId: other } as RunRow, head({}))
    expect(await fleet.available(other, CONFIG)).toEqual([0, 1])
    const [first, second] = [exchange(), exchange(opening({ runId: other, round: 7 }))]
    await settleDown()
    expect(a.told).toEqual(['round:start 1'])
    expect(fleet.taskOf(a.nodeId)).toEqual({ runId: RUN, round: 1, slot: 0, progress: null })
    const place = { runId: RUN, round: 1, slot: 0 }
    fleet.reception.progress(fleet.registry.get(a.nodeId)!, { ...place, done: 3, total: 9 })
    expect(fleet.taskOf(a.nodeId)).toEqual({ ...place, progress: { done: 3, total: 9 } })
    await upload(a, updateOf(0))
    expect(a.told).toEqual(['round:start 1', 'round:start 7'])
    expect(fleet.taskOf(a.nodeId)).toMatchObject({ runId: other, round: 7, slot: 0 })
    for (const { abort, ended } of [first, second]) {
      abort.abort()
      await ended
    }
    expect(fleet.taskOf(a.nodeId)).toBeNull()
  })

  it('believes only the holder of the lease that its task failed', async () => {
    const [a] = await enlistTwo()
    const { abort, ended } = exchange()
    await settleDown()
    const problem = { code: 'task/failed' as const, message: 'no memory' }
    const place = { runId: RUN, round: 1, attempt: 1, slot: 0 }
    await expect(
      fleet.reception.failed(a, { ...place, lease: leaseOf(1), problem }),
    ).rejects.toThrow(expect.objectContaining({ code: 'round/not-leased' }) as Error)
    expect(notes()).toEqual([])
    await fleet.reception.failed(a, { ...place, lease: leaseOf(0), problem })
    expect(notes()).toEqual([['task:failed', 'task/failed']])
    abort.abort()
    await ended
  })

  it('gives nodes that it has not seen yet time to come back after a restart', async () => {
    await enlistTwo()
    world.restart()
    const { ended } = exchange()
    await settleDown()
    clock.advance(19_999)
    await upload(join('b'), updateOf(1))
    let isOver = false
    void ended.then(() => (isOver = true))
    await settleDown()
    expect(isOver).toBe(false)
    clock.advance(1)
    expect(await ended).toEqual([1])
  })

  it('tells the time that is left, not the whole of it', async () => {
    const [a] = await enlistTwo()
    let left = -1
    const link: Session['link'] = {
      ...a.link,
      send: async <Name extends Announcement>(_name: Name, message: Message<Name>) => {
        left = (message as TaskMessage).deadlineMs
        return { ok: true } as Ack<Name>
      },
    }
    const { abort, ended } = exchange()
    await settleDown()
    clock.advance(1_500)
    fleet.join({ ...session('a'), link })
    expect(left).toBe(58_500)
    abort.abort()
    await ended
  })

  it('lets a node read what its own task names, while it has it', async () => {
    const [a] = await enlistTwo()
    const personal = { hash: sha256('personal'), bytes: 1 }
    const asset = { name: 'backbone', hash: sha256('asset'), bytes: 1 }
    const base = opening()
    const { abort, ended } = exchange({
      ...base,
      plan: { ...base.plan, assets: [asset] },
      cohort: base.cohort.map((member) => (member.slot === 0 ? { ...member, personal } : member)),
    })
    await settleDown()
    const may = async (name: string, hash: TaskMessage['shared']['hash']): Promise<boolean> => {
      const reading = fleet.readBlob(idOf(name), hash)
      // Who may not is answered after a second, in case the round is being taken up.
      for (let wait = 0; wait < 4; wait += 1) {
        await settleDown()
        clock.advance(250)
      }
      return (await reading) !== null
    }
    expect(await may('a', shared.hash)).toBe(true)
    expect(await may('a', asset.hash)).toBe(true)
    expect(await may('a', personal.hash)).toBe(true)
    expect(await may('b', personal.hash)).toBe(false)
    expect(await may('c', shared.hash)).toBe(false)
    expect(await may('a', sha256('model of another run'))).toBe(false)
    await upload(a, updateOf(0))
    expect(await may('a', shared.hash)).toBe(false)
    abort.abort()
    await ended
  })

  it('forgets the bytes of an update when the node begins another instead', async () => {
    const [a] = await enlistTwo()
    const { abort, ended } = exchange()
    await settleDown()
    const [first, second] = [updateOf(0), { ...updateOf(0), bytes: Buffer.from('other') }]
    await fleet.reception.begin(a, beginOf(first))
    await fleet.reception.chunk(a, frameOf(first, 0))
    expect(await fleet.reception.begin(a, beginOf(first))).toMatchObject({ nextChunk: 1 })
    await fleet.reception.begin(a, beginOf(second))
    expect(await fleet.reception.begin(a, beginOf(first))).toMatchObject({ nextChunk: 0 })
    abort.abort()
    await ended
  })

  it('tells a node that asks for a run that is gone to let go of it', async () => {
    const place = { runId: 'run-000000000000' as RunId, round: 1, attempt: 1, slot: 0 }
    expect(await fleet.reception.fate(join('a'), place)).toEqual({ ok: true, fate: 'abandoned' })
  })

  it('lets an update wait until its round has been taken up', async () => {
    const [a] = await enlistTwo()
    const begun = fleet.reception.begin(a, beginOf(updateOf(0)))
    await settleDown()
    const { abort, ended } = exchange()
    await settleDown()
    clock.advance(250)
    expect(await begun).toMatchObject({ nextChunk: 0 })
    abort.abort()
    await ended
  })

  it.each([
    ['is frozen', { state: 'FROZEN' }],
    ['has another attempt', { attempt: 2 }],
    ['is over', { round: 2, state: 'PLANNED' }],
    ['was stopped', { state: 'STOPPED' }],
  ] as const)('refuses an update at once when its round %s', async (_what, change) => {
    const [a] = await enlistTwo()
    await store.advance(RUN, head({}), head(change))
    await expect(fleet.reception.begin(a, beginOf(updateOf(0)))).rejects.toThrow(
      expect.objectContaining({ code: 'round/closed' }) as Error,
    )
  })

  it('leaves an update that arrived unjudged to be sent again', async () => {
    const [a] = await enlistTwo()
    const abort = new AbortController()
    const options = { done: new Set<Slot>(), signal: abort.signal }
    const arrivals = fleet.exchange(opening(), CONFIG, options)[Symbol.asyncIterator]()
    const first = arrivals.next()
    await settleDown()
    const verdict = upload(a, updateOf(0))
    await first
    // As when the judge has thrown: the loop leaves without an answer.
    await arrivals.return?.()
    await expect(verdict).rejects.toThrow(
      expect.objectContaining({ code: 'coordinator/unreachable', retryable: true }) as Error,
    )
  })

  it('announces fates and the end to members that are there', async () => {
    const [a, b] = await enlistTwo()
    fleet.leave(b)
    await fleet.settle(
      opening(),
      new Map([
        [0, 'accepted'],
        [1, 'refused'],
      ]),
    )
    await fleet.announceEnd(RUN)
    expect([a.told, b.told]).toEqual([['round:fate 1', 'run:finished'], []])
  })

  it('keeps one session of a node, and does not take the end of an older one for its end', async () => {
    const [first] = await enlistTwo()
    const second = join('a')
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
    fleet.leave(first)
    expect(fleet.registry.get(first.nodeId)).toBe(second)
    fleet.expel(first.nodeId)
    expect(second.isClosed).toBe(true)
  })
})
