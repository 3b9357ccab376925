import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hash, Slot } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { FakeClock } from '#testing/fake-clock.js'
import type { Compute } from './compute/compute.js'
import { RunManager } from './run.js'
import { MemoryStore } from './store/memory-store.js'

vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: () => undefined,
}))

const CONFIG = {
  name: 'test',
  startFrom: null,
  rounds: 3,
  seed: 1,
  cohort: {
    ...{ take: 'all', sampler: 'uniform', minReporters: 1, attempts: 1 },
    ...{ deadlineSeconds: 60, graceSeconds: 5 },
  },
} as RunConfig

/** Leaves a bundle of its own for everyone who is accepted, and one for slot 2, which never is. */
class GivingCompute extends FakeCompute {
  readonly given: Hash[] = []
  readonly #store: MemoryStore
  constructor(store: MemoryStore) {
    super(store.blobs)
    this.#store = store
  }
  override async close(config: RunConfig, round: Parameters<Compute['close']>[1]) {
    const closed = await super.close(config, round)
    const slots: readonly Slot[] = [...round.accepted.map(({ slot }) => slot), 2]
    const personal = []
    for (const slot of slots) {
      const bytes = Buffer.from(`for ${slot} after ${round.round}`)
      const hash = await this.#store.blobs.put(bytes)
      this.given.push(hash)
      personal.push({ slot, blob: { hash, bytes: bytes.length } })
    }
    return { ...closed, personal }
  }
}

describe('personal bundles', () => {
  let store: MemoryStore
  let compute: GivingCompute
  let fleet: FakeFleet
  beforeEach(() => {
    store = new MemoryStore()
    compute = new GivingCompute(store)
    fleet = new FakeFleet(store.blobs, [0, 1])
  })

  it('come with the next task of the slot that they are for, and are gone when the run is over', async () => {
    const tasks: (Hash | undefined)[][] = []
    const exchange = fleet.exchange.bind(fleet)
    vi.spyOn(fleet, 'exchange').mockImplementation((opening, ...rest) => {
      tasks.push(opening.cohort.map(({ personal }) => personal?.hash))
      return exchange(opening, ...rest)
    })
    const clock = new FakeClock()
    const manager = new RunManager({
      ...{ store, fleet, compute, clock, kind: 'deployed' },
      garbage: { everyMs: 0, graceMs: 0 },
    })
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    const [first, second] = [compute.given.slice(0, 3), compute.given.slice(3, 6)]
    expect(tasks).toEqual([[undefined, undefined], first.slice(0, 2), second.slice(0, 2)])
    expect((await store.head(runId))?.personalHash).toBeNull()
    await manager.collectGarbage(0)
    for (const hash of compute.given) expect(await store.blobs.get(hash)).toBeNull()
  })
})
