import { beforeEach, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { FakeClock } from '#testing/fake-clock.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { gatherCohort, gatherWanted, type Gather } from './cohort.js'
import type { PlannedRound } from './compute/compute.js'
import { newTally, type RunContext } from './run-context.js'
import { MemoryStore } from './store/memory-store.js'
import type { Head, RunRow } from './store/store.js'

const RUN = 'run-0123456789ab' as RunId
const HEAD = { round: 3, attempt: 1, personalHash: null } as Head
const CONFIG = unwrap(
  parseRunConfig(
    { ...tinyConfig(), cohort: { size: 2, minReporters: 2 }, rounds: 3 },
    configCatalogue(),
  ),
)

describe('the cohort', () => {
  let store: MemoryStore
  beforeEach(async () => {
    store = new MemoryStore()
    await store.createRun({ runId: RUN } as RunRow, HEAD)
  })
  const plan = async (change: Partial<PlannedRound>): Promise<PlannedRound> => {
    const compute = new FakeCompute(store.blobs)
    const planned = await compute.next(CONFIG, (await compute.start()).stateHash)
    if (planned === 'done') throw new Error('Expected a round')
    return { ...planned, ...change }
  }
  const world = (): {
    readonly ctx: RunContext
    readonly fleet: FakeFleet
    readonly events: string[]
  } => {
    const fleet = new FakeFleet(store.blobs, [0, 1, 3])
    fleet.away = [2, 4]
    const events: string[] = []
    const ctx: RunContext = {
      ...{ runId: RUN, config: CONFIG, epoch: 1, store, fleet, clock: new FakeClock() },
      ...{ compute: new FakeCompute(store.blobs), gather: gatherCohort },
      streams: createStreams(CONFIG.seed),
      signal: new AbortController().signal,
      emit: async (type) => void events.push(type),
      tally: newTally(0),
    }
    return { ctx, fleet, events }
  }
  const slotsOf = async (ctx: RunContext, change: Partial<PlannedRound>, head = HEAD) =>
    (await gatherCohort(ctx, head, await plan(change)))?.cohort.map(({ slot }) => slot)

  it('is sampled from those who are there, however patient the plan is', async () => {
    const { ctx } = world()
    for (const change of [{}, { patience: 'deadline' }] as const) {
      const drawn = new Set<number>()
      for (let attempt = 1; attempt <= 20; attempt += 1) {
        const slots = await slotsOf(ctx, change, { ...HEAD, attempt })
        expect(slots).toHaveLength(2)
        for (const slot of slots ?? []) drawn.add(slot)
      }
      expect([...drawn].sort()).toEqual([0, 1, 3])
    }
  })

  it('is larger than wanted where over-selected, and not where nobody is late or everyone is asked', async () => {
    const { ctx } = world()
    const cohort = { ...CONFIG.cohort, overSelect: 1.2 }
    const over: RunContext = { ...ctx, config: { ...CONFIG, cohort } }
    const gathered = async (gather: Gather, change: Partial<PlannedRound> = {}) => {
      const { cohort: members, wanted } = (await gather(over, HEAD, await plan(change)))!
      return { asked: members.length, wanted }
    }
    expect(await gathered(gatherCohort)).toEqual({ asked: 3, wanted: 2 })
    expect(await gathered(gatherWanted)).toEqual({ asked: 2, wanted: undefined })
    const everyone = { audience: 'everyone' } as const
    expect(await gathered(gatherCohort, everyone)).toEqual({ asked: 3, wanted: undefined })
  })

  it('is everyone who is there where the plan asks everyone', async () => {
    expect(await slotsOf(world().ctx, { audience: 'everyone' })).toEqual([0, 1, 3])
  })

  it('has those that are away too where such a plan is patient, each with a lease', async () => {
    const { ctx } = world()
    const change = { audience: 'everyone', patience: 'deadline' } as const
    expect(await slotsOf(ctx, change)).toEqual([0, 1, 2, 3, 4])
    const gathered = await gatherCohort(ctx, HEAD, await plan(change))
    expect(new Set(gathered?.cohort.map(({ lease }) => lease)).size).toBe(5)
  })

  it('is not opened before as many are there as must report, patient or not', async () => {
    const { ctx, fleet, events } = world()
    fleet.online = [0]
    fleet.away = [1, 2]
    const gathering = slotsOf(ctx, { audience: 'everyone', patience: 'deadline' })
    await expect.poll(() => events).toEqual(['run:waiting'])
    fleet.away = [2]
    fleet.connect([0, 1])
    expect(await gathering).toEqual([0, 1, 2])
  })

  it('says why members that are there do not count, and says it again when that changes', async () => {
    const { ctx, fleet } = world()
    const reasons: string[] = []
    const telling = {
      ...ctx,
      emit: async (_type: string, data: object) =>
        void reasons.push((data as { reason: string }).reason),
    }
    fleet.online = [0]
    const gathering = slotsOf(telling, { audience: 'everyone' })
    await expect.poll(() => reasons).toHaveLength(1)
    fleet.reasons = ['2 of 3 connected nodes do not allow moon']
    fleet.connect([0])
    await expect.poll(() => reasons).toHaveLength(2)
    fleet.connect([0])
    fleet.connect([0, 1])
    expect(await gathering).toEqual([0, 1])
    expect(reasons).toEqual([
      '1 of at least 2 members are available',
      '1 of at least 2 members are available. 2 of 3 connected nodes do not allow moon',
    ])
  })
})
