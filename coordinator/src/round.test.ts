import { describe, expect, it } from 'vitest'
import { newRunId } from '#protocol/ids.js'
import { FakeCompute, untilAborted, type FakeFleet } from '#testing/fake-fleet.js'
import { eventTypes, roundWorld } from '#testing/round-world.js'
import { fateOf } from './fates.js'
import { runRounds } from './round.js'
import type { RunContext } from './run-context.js'
import { roundsOf } from './run-record.js'
import type { Head, Store } from './store/store.js'

async function wholeRun(change?: (fleet: FakeFleet) => void): Promise<Head> {
  const here = await roundWorld()
  change?.(here.fleet)
  return runRounds(await here.context())
}

/** A store on which one write, the `at`-th, is the last that its process makes: it happens, or not, and then all is over. */
function dyingStore(
  store: Store,
  at: number,
  isWritten: boolean,
): { store: Store; readonly writes: number } {
  const state = { writes: 0 }
  const dying = <Args extends unknown[], T>(write: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      state.writes += 1
      if (state.writes > at || (state.writes === at && !isWritten)) throw new Error('killed')
      const result = await write(...args)
      if (state.writes === at) throw new Error('killed')
      return result
    }
  }
  const blobs = Object.assign(Object.create(store.blobs) as Store['blobs'], {
    put: dying((bytes: Uint8Array) => store.blobs.put(bytes)),
    get: (hash: Parameters<Store['blobs']['get']>[0]) => store.blobs.get(hash),
    touch: (hash: Parameters<Store['blobs']['get']>[0]) => store.blobs.touch(hash),
  })
  return {
    store: {
      ...{
        blobs,
        run: store.run.bind(store),
        head: store.head.bind(store),
        roster: store.roster.bind(store),
      },
      ...{ accepted: store.accepted.bind(store), events: store.events.bind(store) },
      advance: dying((...args: Parameters<Store['advance']>) => store.advance(...args)),
      accept: dying((...args: Parameters<Store['accept']>) => store.accept(...args)),
      appendEvent: dying((...args: Parameters<Store['appendEvent']>) => store.appendEvent(...args)),
    } as unknown as Store,
    get writes() {
      return state.writes
    },
  }
}

describe('a run', () => {
  it('goes through its rounds, asks the sampled cohort and ends', async () => {
    const here = await roundWorld()
    const head = await runRounds(await here.context())
    expect(head).toMatchObject({ state: 'DONE', round: 4, attempt: 1, openingHash: null })
    const records = await roundsOf(here.store, head)
    expect(records.map(({ round }) => round)).toEqual([1, 2, 3])
    expect(records.at(-1)?.modelHash).toBe(head.modelHash)
    for (const { cohort, accepted } of records) {
      expect(cohort).toHaveLength(3)
      expect(accepted.map(({ slot }) => slot)).toEqual(cohort)
    }
    expect(records[0]).toMatchObject({
      bytesUp: 30,
      bytesDown: 15,
      previous: null,
      metrics: { accuracy: 0.5 },
    })
    const round = [
      'round:opened',
      'update:accepted',
      'update:accepted',
      'update:accepted',
      'round:closed',
    ]
    expect(await eventTypes(here)).toEqual([...round, ...round, ...round, 'run:finished'])
    expect(here.fleet.settled.map(([, , fates]) => Object.values(fates))).toEqual(
      Array(3).fill(Array(3).fill('accepted')),
    )
  })

  it('samples other cohorts in other rounds, and the same ones again from the same seed', async () => {
    const cohorts = async (): Promise<readonly string[]> => {
      const here = await roundWorld()
      return (await roundsOf(here.store, await runRounds(await here.context()))).map(({ cohort }) =>
        cohort.join(),
      )
    }
    const first = await cohorts()
    expect(await cohorts()).toEqual(first)
    expect(new Set(first).size).toBeGreaterThan(1)
  })

  it('has the same hash whatever the order of arrival', async () => {
    const reversed = await wholeRun((fleet) => {
      const { script } = fleet
      fleet.script = (opening, options) =>
        [...(script(opening, options) as Iterable<never>)].reverse()
    })
    expect(reversed.modelHash).toBe((await wholeRun()).modelHash)
  })

  it('has another hash when one reporter is missing, or one update differs', async () => {
    const usual = (await wholeRun()).modelHash
    const without = await wholeRun((fleet) => {
      const { script } = fleet
      fleet.script = (opening, options) =>
        [...(script(opening, options) as Iterable<never>)].slice(opening.round === 2 ? 1 : 0)
    })
    expect(without.state).toBe('DONE')
    expect(without.modelHash).not.toBe(usual)
  })

  it('waits for members with a reason, without spinning, and goes on when they come', async () => {
    const here = await roundWorld()
    here.fleet.online = [0]
    const running = runRounds(await here.context())
    await expect.poll(() => eventTypes(here)).toEqual(['run:waiting'])
    here.fleet.connect([0]) // Nothing new: not told again.
    here.fleet.connect([0, 1])
    expect((await running).state).toBe('DONE')
    const waiting = (await here.store.events(here.runId, 0, 100)).filter(
      ({ type }) => type === 'run:waiting',
    )
    expect(waiting.map(({ data }) => data['reason'])).toEqual([
      '1 of at least 2 members are available',
    ])
  })

  it('leaves a wait when it is told to, and stays as it was', async () => {
    const here = await roundWorld()
    here.fleet.online = []
    const abort = new AbortController()
    const running = runRounds(await here.context({ signal: abort.signal }))
    await expect.poll(() => eventTypes(here)).toEqual(['run:waiting'])
    abort.abort()
    expect(await running).toMatchObject({ state: 'PLANNED', round: 1 })
  })
})

describe('updates', () => {
  it('that come twice count once, and that differ are refused', async () => {
    const here = await roundWorld()
    here.fleet.script = (opening) => {
      const [a, b] = opening.cohort.map(({ slot }) => slot) as [number, number]
      return [
        { slot: a, payload: 'x' },
        { slot: a, payload: 'x' },
        { slot: a, payload: 'other' },
        { slot: b, payload: 'y' },
      ]
    }
    const head = await runRounds(await here.context())
    const [first] = await roundsOf(here.store, head)
    expect(first?.accepted).toHaveLength(2)
    const told = here.fleet.answers.filter(([round]) => round === 1).map(([, , what]) => what)
    expect(told).toEqual(['accepted', 'accepted', 'update/conflict', 'accepted'])
  })

  it('that are not valid are refused with a code and do not count', async () => {
    const here = await roundWorld()
    const { script } = here.fleet
    here.fleet.script = (opening, options) =>
      [...(script(opening, options) as Iterable<{ slot: number; payload: string }>)].map(
        (reply, i) => ({ ...reply, weight: i }),
      )
    const head = await runRounds(await here.context())
    const [first] = await roundsOf(here.store, head)
    expect(first?.accepted).toHaveLength(2)
    expect(here.fleet.answers[0]?.[2]).toBe('update/bad-weight')
    expect(Object.values(here.fleet.settled[0]![2])).toEqual(['refused', 'accepted', 'accepted'])
  })

  it('that come after the round was frozen by someone else are refused as late', async () => {
    const here = await roundWorld()
    const context = await here.context()
    here.fleet.script = async function* (opening) {
      const head = (await here.store.head(here.runId))!
      if (opening.round === 1)
        await here.store.advance(here.runId, head, { ...head, state: 'FROZEN', epoch: 99 })
      yield { slot: opening.cohort[0]!.slot, payload: 'late' }
    }
    expect(await runRounds(context)).toMatchObject({ epoch: 99, state: 'FROZEN' })
    expect(here.fleet.answers).toEqual([[1, expect.any(Number), 'round/closed']])
  })

  it('are waited for until the deadline, and no longer', async () => {
    const here = await roundWorld()
    here.fleet.script = async function* (opening, { signal }) {
      for (const { slot } of opening.cohort.slice(1))
        yield { slot, payload: `${opening.round} ${slot}` }
      await untilAborted(signal)
    }
    const running = runRounds(await here.context())
    for (let round = 1; round <= 3; round += 1) {
      await expect.poll(() => here.fleet.answers.length).toBe(2 * round)
      here.clock.advance(59_999)
      expect(here.fleet.settled).toHaveLength(round - 1)
      here.clock.advance(1)
      await expect.poll(() => here.fleet.settled.length).toBe(round)
    }
    const head = await running
    expect(head.state).toBe('DONE')
    expect((await roundsOf(here.store, head))[0]).toMatchObject({ durationMs: 60_000 })
    expect(here.clock.pending).toBe(0)
  })
})

describe('too few reporters', () => {
  it('make another attempt with another cohort, whose updates are all new', async () => {
    const here = await roundWorld()
    const { script } = here.fleet
    here.fleet.script = (opening, options) => {
      const replies = [...(script(opening, options) as Iterable<never>)]
      return opening.round === 1 && opening.attempt === 1 ? replies.slice(0, 1) : replies
    }
    const head = await runRounds(await here.context())
    expect(head.state).toBe('DONE')
    expect((await roundsOf(here.store, head)).map(({ attempt }) => attempt)).toEqual([2, 1, 1])
    expect(new Set(Object.values(here.fleet.settled[0]![2]))).toEqual(new Set(['abandoned']))
    expect(await eventTypes(here)).toContain('round:abandoned')
    const [slot] = here.fleet.openings[0]!.cohort.map((member) => member.slot)
    expect(await fateOf(here.store, here.runId, { round: 1, attempt: 1, slot: slot! })).toBe(
      'abandoned',
    )
  })

  it('fail the run with a reason when the attempts are used up', async () => {
    const here = await roundWorld()
    here.fleet.script = () => []
    const head = await runRounds(await here.context())
    expect(head).toMatchObject({ state: 'FAILED', round: 1, attempt: 2, openingHash: null })
    expect(head.reason).toBe('Round 1 got 0 of at least 2 reporters in attempt 2 of 2')
    expect((await eventTypes(here)).slice(-2)).toEqual(['round:abandoned', 'run:failed'])
  })
})

describe('a restart', () => {
  it('at any write of a run, before or after it, ends at the same hash with each member counted once a round', async () => {
    const golden = await wholeRun()
    let deaths = 0
    for (const isWritten of [false, true]) {
      for (let at = 1; ; at += 1) {
        const here = await roundWorld()
        const context = await here.context()
        const dying = dyingStore(here.store, at, isWritten)
        const emit: RunContext['emit'] = async (type, data) =>
          void (await dying.store.appendEvent(here.runId, type, data))
        const first = runRounds({
          ...context,
          store: dying.store,
          compute: new FakeCompute(dying.store.blobs),
          emit,
        })
        const died = await first.then(
          () => false,
          () => true,
        )
        const head = await runRounds(await here.context())
        expect(head, `write ${at}`).toMatchObject({ state: 'DONE', modelHash: golden.modelHash })
        if (!died) break
        deaths += 1
      }
    }
    expect(deaths).toBeGreaterThan(60)
  })

  it('keeps the updates that an open round has accepted and asks only the others', async () => {
    const here = await roundWorld()
    const abort = new AbortController()
    const { script } = here.fleet
    here.fleet.script = async function* (opening, options) {
      const [first] = [...(script(opening, options) as Iterable<{ slot: number; payload: string }>)]
      yield first!
      abort.abort()
    }
    expect(await runRounds(await here.context({ signal: abort.signal }))).toMatchObject({
      state: 'COLLECTING',
    })
    const asked: number[][] = []
    here.fleet.script = (opening, options) => {
      asked.push([...options.done])
      return script(opening, options)
    }
    expect((await runRounds(await here.context())).state).toBe('DONE')
    expect(asked[0]).toHaveLength(1)
    expect(here.fleet.openings[1]?.cohort).toEqual(here.fleet.openings[0]?.cohort)
  })

  it('fences the loop that ran before', async () => {
    const here = await roundWorld()
    const old = await here.context()
    await here.context()
    expect(await runRounds(old)).toMatchObject({ state: 'PLANNED', round: 1 })
    expect(here.fleet.openings).toEqual([])
  })
})

describe('fates', () => {
  it('are open while the round is, then what the record says, for ever', async () => {
    const here = await roundWorld()
    const during: string[] = []
    const { script } = here.fleet
    here.fleet.script = async function* (opening, options) {
      const slot = opening.cohort[0]!.slot
      during.push(await fateOf(here.store, here.runId, { ...opening, slot }))
      yield* [...(script(opening, options) as Iterable<never>)].slice(1)
    }
    await runRounds(await here.context())
    expect(during).toEqual(['open', 'open', 'open'])
    const [first] = here.fleet.openings
    const fates = await Promise.all(
      first!.cohort.map(({ slot }) =>
        fateOf(here.store, here.runId, { round: 1, attempt: 1, slot }),
      ),
    )
    expect(fates).toEqual(['refused', 'accepted', 'accepted'])
    expect(await fateOf(here.store, here.runId, { round: 9, attempt: 1, slot: 0 })).toBe(
      'abandoned',
    )
    expect(await fateOf(here.store, newRunId(), { round: 1, attempt: 1, slot: 0 })).toBe(
      'abandoned',
    )
  })
})
