import { describe, expect, it, vi } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { untilAborted } from '#testing/fake-fleet.js'
import { CONFIG, eventTypes, roundWorld, type RoundWorld } from '#testing/round-world.js'
import { runRounds } from './round.js'
import { openingOf, roundsOf } from './run-record.js'
import { readJson } from './store/reachable.js'
import type { Opening } from './fleet/fleet.js'

const configured = (cohort: Partial<RunConfig['cohort']>, rounds = 1): RunConfig => ({
  ...CONFIG,
  rounds,
  cohort: { ...CONFIG.cohort, ...cohort },
})
/** Nobody but the first `answering` of the cohort ever answers. */
const silentBut = (world: RoundWorld, answering: number): void => {
  world.fleet.script = async function* (opening, { signal }) {
    for (const { slot } of opening.cohort.slice(0, answering))
      yield { slot, payload: `${opening.round} ${slot}` }
    await untilAborted(signal)
  }
}
const isOpen = async ({ store, runId }: RoundWorld): Promise<boolean> =>
  (await store.head(runId))?.state === 'COLLECTING'

describe('the time of an open round', () => {
  /** A coordinator that serves for `ms` and is then shut down, or killed. */
  async function serve(world: RoundWorld, ms: number, end: 'shutdown' | 'kill'): Promise<void> {
    const abort = new AbortController()
    const opened = world.fleet.openings.length
    const running = runRounds(await world.context({ signal: abort.signal }))
    await expect.poll(() => world.fleet.openings.length).toBe(opened + 1)
    for (let passed = 0; passed < ms; passed += 1000) {
      world.clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    // A process that is killed writes nothing any more: its epoch is over.
    if (end === 'kill') await world.context()
    abort.abort()
    await running
  }
  const elapsed = async ({ store, runId }: RoundWorld): Promise<number | undefined> =>
    (await openingOf(store, (await store.head(runId))!)).elapsedMs

  it('goes on after a shutdown where it stopped; the time in between does not count', async () => {
    const world = await roundWorld(configured({ attempts: 1 }))
    silentBut(world, 1)
    await serve(world, 40_000, 'shutdown')
    expect(await elapsed(world)).toBe(40_000)
    world.clock.advance(3_600_000)
    const running = runRounds(await world.context())
    await expect.poll(() => world.fleet.openings.length).toBe(2)
    world.clock.advance(19_999)
    expect(await isOpen(world)).toBe(true)
    world.clock.advance(1)
    expect(await running).toMatchObject({ state: 'FAILED', round: 1 })
  })

  it('forgets at most a twentieth of the deadline in a crash', async () => {
    const world = await roundWorld(configured({ attempts: 1 }))
    silentBut(world, 1)
    await serve(world, 41_000, 'kill')
    expect(await elapsed(world)).toBe(39_000)
    await serve(world, 5_000, 'kill')
    expect(await elapsed(world)).toBe(42_000)
  })

  it('is kept, and ends, though the audit log grows meanwhile', async () => {
    const world = await roundWorld(configured({ attempts: 1 }))
    silentBut(world, 1)
    let entries = 0
    const advance = world.store.advance.bind(world.store)
    vi.spyOn(world.store, 'advance').mockImplementation((runId, from, to) =>
      advance(runId, from, { ...to, auditHead: sha256(`entry ${entries}`) }),
    )
    const running = runRounds(await world.context())
    await expect.poll(() => world.fleet.openings.length).toBe(1)
    for (let passed = 0; passed < 59; passed += 1) {
      entries += 1
      world.clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await elapsed(world)).toBe(57_000)
    world.clock.advance(1000)
    expect(await running).toMatchObject({ state: 'FAILED', round: 1 })
  })

  it('ends a round that crashes again and again', async () => {
    const world = await roundWorld(configured({ attempts: 1 }))
    silentBut(world, 1)
    let crashes = 0
    for (; crashes < 30 && (await world.store.head(world.runId))?.state !== 'FAILED'; crashes += 1)
      await serve(world, 4_000, 'kill').catch(() => undefined)
    expect(crashes).toBeLessThan(25)
  })

  it('keeps the updates, and their number, while the time is kept', async () => {
    const world = await roundWorld(configured({}))
    silentBut(world, 2)
    const running = runRounds(await world.context())
    await expect.poll(() => world.fleet.answers.length).toBe(2)
    for (let tick = 0; tick < 20; tick += 1) {
      world.clock.advance(3000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const head = await running
    expect(head.state).toBe('DONE')
    const [record] = await roundsOf(world.store, head)
    expect(record).toMatchObject({ durationMs: 60_000, attempt: 1 })
    expect(record?.accepted).toHaveLength(2)
    expect(world.clock.pending).toBe(0)
  })

  it('tells a write that failed, and the round goes on', async () => {
    const world = await roundWorld(configured({}))
    silentBut(world, 2)
    const problems: string[] = []
    const context = await world.context()
    const { blobs } = world.store
    const put = blobs.put.bind(blobs)
    vi.spyOn(blobs, 'put').mockImplementation((bytes) =>
      Buffer.from(bytes).includes('elapsedMs') ? Promise.reject(new Error('ENOSPC')) : put(bytes),
    )
    const running = runRounds({ ...context, onProblem: ({ code }) => problems.push(code) })
    await expect.poll(() => world.fleet.answers.length).toBe(2)
    world.clock.advance(3000)
    await expect.poll(() => problems).toEqual(['store/io'])
    world.clock.advance(57_000)
    expect((await running).state).toBe('DONE')
  })
})

describe('over-selection', () => {
  const config = configured({ take: { size: 2 }, overSelect: 2 }, 2)

  it('asks more than are wanted, closes with the wanted number and refuses the rest', async () => {
    const world = await roundWorld(config)
    const head = await runRounds(await world.context())
    expect(head.state).toBe('DONE')
    for (const { cohort, accepted } of await roundsOf(world.store, head)) {
      expect(cohort).toHaveLength(4)
      expect(accepted).toHaveLength(2)
    }
    expect(world.fleet.settled.map(([, , fates]) => Object.values(fates).sort())).toEqual(
      Array(2).fill(['accepted', 'accepted', 'refused', 'refused']),
    )
  })

  it('waits for members that are silent only where too few others answer', async () => {
    const world = await roundWorld(config)
    silentBut(world, 2)
    expect((await runRounds(await world.context())).state).toBe('DONE')
    expect(world.clock.pending).toBe(0)
  })

  it('closes a round at once that has the wanted number when it is taken up', async () => {
    const world = await roundWorld(config)
    silentBut(world, 2)
    const { store } = world
    // The process ends after the second update, before the round is frozen.
    const advance = store.advance.bind(store)
    const dying = vi
      .spyOn(store, 'advance')
      .mockImplementation((runId, from, to) =>
        to.state === 'FROZEN' ? Promise.reject(new Error('killed')) : advance(runId, from, to),
      )
    await expect(runRounds(await world.context())).rejects.toThrow('killed')
    dying.mockRestore()
    expect(await isOpen(world)).toBe(true)
    const asked = world.fleet.openings.length
    silentBut(world, 0)
    const running = runRounds(await world.context())
    await expect.poll(() => eventTypes(world)).toContain('round:closed')
    expect(world.fleet.openings[asked]?.round).toBe(2)
    world.clock.advance(60_000)
    await expect.poll(() => world.fleet.openings.length).toBe(asked + 2)
    world.clock.advance(60_000)
    expect((await running).state).toBe('FAILED')
  })

  it('asks no more than there are, and everyone only where everyone is wanted', async () => {
    const world = await roundWorld(configured({ take: { size: 4 }, overSelect: 3 }))
    await runRounds(await world.context())
    expect(world.fleet.openings[0]).toMatchObject({ wanted: 4 })
    expect(world.fleet.openings[0]?.cohort).toHaveLength(5)
    const exact = await roundWorld(configured({ take: { size: 5 }, overSelect: 3 }))
    await runRounds(await exact.context())
    expect(exact.fleet.openings[0]).not.toHaveProperty('wanted')
  })
})

describe('an adaptive deadline', () => {
  /** Each member of the cohort answers after so many seconds; null: never. */
  const paced = (
    world: RoundWorld,
    seconds: (round: number) => readonly (number | null)[],
  ): void => {
    world.fleet.script = async function* (opening, { signal }) {
      let now = 0
      for (const [i, after] of seconds(opening.round).entries()) {
        const member = opening.cohort[i]
        if (after === null || member === undefined) continue
        world.clock.advance((after - now) * 1000)
        now = after
        yield { slot: member.slot, payload: `${opening.round} ${member.slot}` }
      }
      if (seconds(opening.round).includes(null)) await untilAborted(signal)
    }
  }
  const deadlines = ({ fleet }: RoundWorld): readonly number[] =>
    fleet.openings.map(({ deadlineSeconds }) => deadlineSeconds)
  const adaptive = (rounds: number, more: Partial<RunConfig['cohort']> = {}): RunConfig =>
    configured(
      { take: 'all', deadline: 'adaptive', deadlineSeconds: 600, graceSeconds: 5, ...more },
      rounds,
    )

  it('is twice the pace of the slowest of the latest rounds, in which a straggler does not count', async () => {
    const world = await roundWorld(adaptive(3))
    paced(world, (round) => (round === 1 ? [1, 2, 3, 10, 200] : [1, 2, 3, 4, 5]))
    const head = await runRounds(await world.context())
    expect(deadlines(world)).toEqual([600, 20, 20])
    expect((await roundsOf(world.store, head)).map(({ paceMs }) => paceMs)).toEqual([
      10_000, 4000, 4000,
    ])
  })

  it('forgets rounds that are long over, and is never below the grace period', async () => {
    const world = await roundWorld(adaptive(8))
    paced(world, (round) => (round === 1 ? [1, 2, 3, 100, 101] : [1, 1, 1, 2, 2]))
    await runRounds(await world.context())
    expect(deadlines(world)).toEqual([600, 200, 200, 200, 200, 200, 5, 5])
  })

  it('is the whole of it again after a round that got too few', async () => {
    const world = await roundWorld(adaptive(3))
    paced(world, (round) => (round === 2 ? [1, 2, 3, null, null] : [1, 2, 3, 4, 5]))
    const running = runRounds(await world.context())
    await expect.poll(() => deadlines(world)).toEqual([600, 8])
    world.clock.advance(8000)
    await running
    expect(deadlines(world)).toEqual([600, 8, 600])
  })

  it('doubles with each attempt that failed, up to the whole of it', async () => {
    const world = await roundWorld(adaptive(2, { attempts: 8, minReporters: 5 }))
    paced(world, (round) => (round === 2 ? [1, null, null, null, null] : [10, 20, 30, 40, 50]))
    const running = runRounds(await world.context())
    for (const [i, seconds] of [80, 160, 320, 600, 600].entries()) {
      await expect.poll(() => deadlines(world)[i + 1]).toBe(seconds)
      world.clock.advance(seconds * 1000)
    }
    paced(world, () => [1, 2, 3, 4, 5])
    expect((await running).state).toBe('DONE')
  })

  it('is measured on what updates took altogether, in a round with a restart too', async () => {
    const world = await roundWorld(adaptive(2))
    const abort = new AbortController()
    world.fleet.script = async function* (opening) {
      world.clock.advance(7000)
      yield { slot: opening.cohort[0]!.slot, payload: 'first' }
      abort.abort()
    }
    await runRounds(await world.context({ signal: abort.signal }))
    world.clock.advance(1_000_000)
    world.fleet.script = async function* (opening, { done }) {
      world.clock.advance(2000)
      for (const { slot } of opening.cohort)
        if (!done.has(slot)) yield { slot, payload: `${opening.round} ${slot}` }
    }
    const head = await runRounds(await world.context())
    expect((await roundsOf(world.store, head)).map(({ paceMs }) => paceMs)).toEqual([9000, 2000])
  })
})

describe('attempts', () => {
  it('count only where reporters were missing, not where a coordinator was restarted', async () => {
    const world = await roundWorld(configured({ attempts: 2 }))
    const { script } = world.fleet
    world.fleet.script = () => []
    const context = await world.context()
    const head = (await world.store.head(world.runId))!
    // As a restart leaves it that gave up attempts of its own.
    await world.store.advance(world.runId, head, { ...head, attempt: 7 })
    let opened = 0
    world.fleet.script = (opening, options) => {
      opened += 1
      return opened === 1 ? [] : script(opening, options)
    }
    expect(await runRounds(context)).toMatchObject({ state: 'DONE', failures: 0 })
    const told = await world.store.events(world.runId, 0, 100)
    const given = told.find(({ type }) => type === 'round:abandoned')
    expect(given?.data['reason']).toContain('in attempt 1 of 2')
    expect(world.fleet.openings.map(({ attempt }) => attempt)).toEqual([7, 8])
  })

  it('say who contributed nothing, and why', async () => {
    const world = await roundWorld(configured({ attempts: 1 }))
    world.fleet.script = () => []
    world.fleet.excuses = Array.from({ length: 7 }, (_, i) => `clinic-${i}: out of memory`)
    const { reason } = await runRounds(await world.context())
    expect(reason).toBe(
      'Round 1 got 0 of at least 2 reporters in attempt 1 of 1; clinic-0: out of memory; clinic-1: out of memory; clinic-2: out of memory; clinic-3: out of memory; clinic-4: out of memory; 2 more',
    )
  })
})

describe('an opening', () => {
  it('stays the same but for its time', async () => {
    const world = await roundWorld(configured({}))
    silentBut(world, 2)
    const running = runRounds(await world.context())
    await expect.poll(() => world.fleet.answers.length).toBe(2)
    const openings: Opening[] = []
    for (let tick = 0; tick < 3; tick += 1) {
      const { openingHash } = (await world.store.head(world.runId))!
      openings.push(await readJson<Opening>(world.store.blobs, openingHash!))
      world.clock.advance(3000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(openings.map(({ elapsedMs }) => elapsedMs)).toEqual([undefined, 3000, 6000])
    expect(openings.map((opening) => ({ ...opening, elapsedMs: 0 }))).toEqual(
      Array(3).fill({ ...openings[0], elapsedMs: 0 }),
    )
    world.clock.advance(60_000)
    await running
  })
})
