import { beforeEach, describe, expect, it } from 'vitest'
import type { DataCard } from '#protocol/data-card.js'
import { newRunId, type RunId } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { ENGINE, FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { FakeClock } from '#testing/fake-clock.js'
import { gatherMethod } from '#testing/gather-method.js'
import { TINY_CARD } from '#testing/socket-node.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { gatherCohort } from '#coordinator/cohort.js'
import type { PlannedRound } from '#coordinator/compute/compute.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { runRounds } from '#coordinator/round.js'
import { newTally, type RunContext } from '#coordinator/run-context.js'
import { roundsOf } from '#coordinator/run-record.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import type { RunRow } from '#coordinator/store/store.js'

const COUNTS = { test: 2, perClass: [1, 1, 0] }
const IDLE: readonly DataCard[] = [
  { ...TINY_CARD, counts: { ...COUNTS, train: 0 } },
  { ...TINY_CARD, trains: false },
]
const TRAINING: DataCard = { ...TINY_CARD, counts: { ...COUNTS, train: 7 } }
const config = (change: Partial<RunConfig['cohort']> = {}): RunConfig =>
  tinyConfig((base) => ({
    ...base,
    method: { name: 'gather-test' },
    cohort: { ...base.cohort, ...change },
  }))
const catalogue: Catalogue = { ...CATALOGUE, methods: [...CATALOGUE.methods, gatherMethod] }

describe('members that cannot, or do not, answer', () => {
  let store: MemoryStore
  let fleet: FakeFleet
  let runId: RunId
  let events: { readonly type: string; readonly [key: string]: unknown }[]
  beforeEach(() => {
    store = new MemoryStore()
    fleet = new FakeFleet(store.blobs, [0, 1, 2, 3])
    runId = newRunId()
    events = []
  })
  const contextOf = async (own: RunConfig, cards: readonly DataCard[]): Promise<RunContext> => {
    const compute = createCompute({ blobs: store.blobs, catalogue })
    const { stateHash, modelHash } = await compute.start(own)
    await store.createRun({ runId, config: own } as RunRow, {
      ...{ epoch: 1, round: 1, attempt: 1, state: 'PLANNED', stateHash, modelHash },
      ...{ recordHash: null, openingHash: null, personalHash: null, reason: null },
      ...{ failures: 0, auditHead: null },
    })
    for (const [slot, card] of cards.entries())
      await store.enlist(runId, { nodeId: null, name: `member-${slot}`, card, engine: ENGINE })
    return {
      ...{ runId, config: own, epoch: 1, store, fleet, compute, clock: new FakeClock() },
      ...{ gather: gatherCohort, streams: createStreams(own.seed) },
      signal: new AbortController().signal,
      emit: async (type, data) => void events.push({ type, ...data }),
      tally: newTally(0),
    }
  }
  const cards = [...IDLE, TRAINING, TINY_CARD]
  const planned = async (change: Partial<PlannedRound>): Promise<PlannedRound> => {
    const fake = new FakeCompute(store.blobs)
    const plan = await fake.next(tinyConfig(), (await fake.start()).stateHash)
    if (plan === 'done') throw new Error('Expected a round')
    return { ...plan, ...change }
  }
  const asked = async (ctx: RunContext, change: Partial<PlannedRound>) => {
    const head = await store.head(runId)
    const gathered = await gatherCohort(ctx, head!, await planned(change))
    return gathered?.cohort.map(({ slot }) => slot)
  }

  it('D3: asks members without training examples to evaluate, and for nothing else', async () => {
    const ctx = await contextOf(config(), cards)
    expect(await asked(ctx, {})).toEqual([2, 3])
    expect(await asked(ctx, { audience: 'everyone', purpose: 'statistics' })).toEqual([2, 3])
    expect(await asked(ctx, { audience: 'everyone', purpose: 'evaluate' })).toEqual([0, 1, 2, 3])
    fleet.online = [0, 2]
    fleet.away = [1, 3]
    const patient = { audience: 'everyone', patience: 'deadline' } as const
    expect(await asked(ctx, { ...patient, purpose: 'statistics' })).toEqual([2, 3])
  })

  it('D3: does not take them for members that could report, and says why it waits', async () => {
    const ctx = await contextOf(config({ minReporters: 2, take: { size: 2 } }), cards)
    fleet.online = [0, 1, 2]
    const gathering = asked(ctx, {})
    await expect
      .poll(() => events)
      .toMatchObject([
        {
          type: 'run:waiting',
          reason: '1 of at least 2 members are available; 2 more have nothing to train on',
        },
      ])
    fleet.connect([0, 1, 2, 3])
    expect(await gathering).toEqual([2, 3])
  })

  it('D9: closes a round that nobody reports to, where the run allows it, and goes on', async () => {
    fleet.script = () => []
    const head = await runRounds(await contextOf(config({ minReporters: 0 }), [TINY_CARD]))
    expect(head).toMatchObject({ state: 'DONE', round: 4, attempt: 1 })
    const records = await roundsOf(store, head)
    expect(records.map(({ round, accepted }) => [round, accepted])).toEqual([
      [1, []],
      [2, []],
      [3, []],
    ])
    expect(records.map(({ metrics }) => metrics['members'])).toEqual([0, 0, 0])
    expect(fleet.settled.map(([, , fates]) => fates[0])).toEqual(['refused', 'refused', 'refused'])
  })

  it('D9: opens no round before one member is there to be asked', async () => {
    fleet.online = []
    fleet.script = () => []
    const running = runRounds(await contextOf(config({ minReporters: 0 }), [TINY_CARD]))
    await expect.poll(() => events).toMatchObject([{ type: 'run:waiting', needed: 1 }])
    fleet.connect([0])
    expect(await running).toMatchObject({ state: 'DONE' })
    expect(fleet.openings.map(({ cohort }) => cohort.length)).toEqual([1, 1, 1])
  })
})
