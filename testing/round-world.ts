/** A run without tensors, sockets or time: for tests of the round loop. */
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import { gatherCohort } from '#coordinator/cohort.js'
import { newTally, type RunContext } from '#coordinator/run-context.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from './fake-clock.js'
import { ENGINE, FakeCompute, FakeFleet } from './fake-fleet.js'

export const CONFIG = {
  name: 'test',
  startFrom: null,
  rounds: 3,
  seed: 11,
  cohort: {
    take: { size: 3 },
    sampler: 'uniform',
    minReporters: 2,
    deadlineSeconds: 60,
    graceSeconds: 5,
    attempts: 2,
  },
} as RunConfig

export interface RoundWorld {
  readonly store: MemoryStore
  readonly fleet: FakeFleet
  readonly clock: FakeClock
  readonly runId: RunId
  context(change?: Partial<RunContext>): Promise<RunContext>
}

/** A run of three rounds that asks three of five members, whose loop the test runs. */
export async function roundWorld(config: RunConfig = CONFIG): Promise<RoundWorld> {
  const store = new MemoryStore()
  const fleet = new FakeFleet(store.blobs, [0, 1, 2, 3, 4])
  const clock = new FakeClock()
  const runId = newRunId()
  const started = await new FakeCompute(store.blobs).start()
  const row = {
    runId,
    name: 'test',
    kind: 'deployed',
    createdAt: '',
    engine: ENGINE,
    config,
    configHash: sha256(''),
  } as const
  const { stateHash, modelHash } = started
  await store.createRun(row, {
    ...{ epoch: 0, round: 1, attempt: 1, state: 'PLANNED', stateHash, modelHash },
    ...{ recordHash: null, openingHash: null, personalHash: null, reason: null },
    ...{ failures: 0, auditHead: null },
  })
  const context = async (change: Partial<RunContext> = {}): Promise<RunContext> => {
    const head = (await store.head(runId))!
    await store.advance(runId, head, { ...head, epoch: head.epoch + 1 })
    return {
      ...{ runId, config, epoch: head.epoch + 1, store, fleet, clock },
      compute: new FakeCompute(store.blobs),
      gather: gatherCohort,
      streams: createStreams(config.seed),
      signal: new AbortController().signal,
      emit: async (type, data) => void (await store.appendEvent(runId, type, data)),
      tally: newTally(0),
      ...change,
    }
  }
  return { store, fleet, clock, runId, context }
}

export const eventTypes = async ({ store, runId }: RoundWorld): Promise<readonly string[]> =>
  (await store.events(runId, 0, 1000)).map((event) => event.type)
