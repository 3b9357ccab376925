import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { FakeCompute, FakeFleet, untilAborted } from '#testing/fake-fleet.js'
import { FakeClock } from '#testing/fake-clock.js'
import { RunManager } from './run.js'
import { MemoryStore } from './store/memory-store.js'

// The fakes need no catalogue; whether a configuration is possible is tested where that is decided.
vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: (config: RunConfig) => {
    if (config.rounds > 100) throw Object.assign(new Error(), { code: 'config/impossible' })
  },
}))

const CONFIG = {
  name: 'test',
  startFrom: null,
  rounds: 2,
  seed: 11,
  cohort: {
    take: 'all',
    sampler: 'uniform',
    minReporters: 2,
    deadlineSeconds: 60,
    graceSeconds: 5,
    attempts: 1,
  },
} as RunConfig

/** Nobody answers, until it is not waited for. */
const stalls: FakeFleet['script'] = (_, { signal }) =>
  (async function* () {
    await untilAborted(signal)
    yield* []
  })()

describe('the run manager', () => {
  let store: MemoryStore
  let fleet: FakeFleet
  let manager: RunManager
  const newManager = (): RunManager =>
    new RunManager({
      store,
      fleet,
      compute: new FakeCompute(store.blobs),
      clock: new FakeClock(),
      kind: 'deployed',
    })
  const typesOf = async (runId: RunId): Promise<readonly string[]> =>
    (await store.events(runId, 0, 100)).map(({ type }) => type)

  beforeEach(() => {
    store = new MemoryStore()
    fleet = new FakeFleet(store.blobs, [0, 1])
    manager = newManager()
  })

  it('creates a run, runs it to its end and leaves its whole record', async () => {
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    const record = await manager.record(runId)
    expect(record).toMatchObject({
      format: 1,
      kind: 'deployed',
      runId,
      name: 'test',
      state: 'finished',
      reason: null,
    })
    expect(record.rounds.map(({ round, metrics }) => [round, metrics['accuracy']])).toEqual([
      [0, 0.1],
      [1, 0.5],
      [2, 0.5],
    ])
    expect(record.modelHash).toBe(record.rounds[2]?.modelHash)
    expect((await typesOf(runId)).slice(0, 3)).toEqual([
      'run:started',
      'round:closed',
      'round:opened',
    ])
    expect((await typesOf(runId)).at(-1)).toBe('run:finished')
  })

  it('stores nothing when a configuration is impossible', async () => {
    await expect(manager.create({ ...CONFIG, rounds: 101 })).rejects.toMatchObject({
      code: 'config/impossible',
    })
    expect(await store.runs()).toEqual([])
  })

  it('stores nothing when the bundle to start from was not uploaded', async () => {
    const startFrom = sha256('a bundle')
    await expect(manager.create({ ...CONFIG, startFrom })).rejects.toMatchObject({
      code: 'model/not-found',
    })
    expect(await store.runs()).toEqual([])
    await store.blobs.put(Buffer.from('a bundle'))
    await manager.ended(await manager.create({ ...CONFIG, startFrom }))
    await manager.collectGarbage(0)
    expect(await store.blobs.has(startFrom)).toBe(true)
  })

  it('tells every event to its listeners until they leave', async () => {
    const seen: string[] = []
    const leave = manager.subscribe((_, { type, seq }) => seen.push(`${seq} ${type}`))
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    expect(seen).toEqual((await typesOf(runId)).map((type, i) => `${i + 1} ${type}`))
    leave()
    await manager.ended(await manager.create(CONFIG))
    expect(seen.at(-1)).toContain('run:finished')
  })

  it('says that a run waits, and why, until it goes on', async () => {
    fleet.online = []
    const runId = await manager.create(CONFIG)
    await expect.poll(async () => (await manager.record(runId)).state).toBe('waiting')
    expect((await manager.record(runId)).reason).toBe('0 of at least 2 members are available')
    fleet.connect([0, 1])
    await manager.ended(runId)
    expect(await manager.record(runId)).toMatchObject({ state: 'finished', reason: null })
  })

  it('says of an open round that nobody works on why it waits', async () => {
    fleet.script = stalls
    const runId = await manager.create(CONFIG)
    await expect.poll(() => fleet.openings.length).toBe(1)
    expect(await manager.record(runId)).toMatchObject({ state: 'running', reason: null })
    fleet.waits = 'Round 1 waits: ward-7 is away'
    expect(await manager.record(runId)).toMatchObject({ state: 'waiting', reason: fleet.waits })
    await manager.shutdown()
  })

  it('takes up open runs at the next boot, and no others', async () => {
    fleet.script = stalls
    const runId = await manager.create(CONFIG)
    await expect.poll(() => fleet.openings.length).toBe(1)
    await manager.shutdown()
    expect(await store.head(runId)).toMatchObject({ state: 'COLLECTING', epoch: 1 })

    const usual = new FakeFleet(store.blobs, [0, 1])
    fleet.script = usual.script
    manager = newManager()
    await manager.resumeAll()
    await manager.ended(runId)
    expect((await manager.record(runId)).state).toBe('finished')
    expect(await store.head(runId)).toMatchObject({ epoch: 2 })
    await newManager().resumeAll()
    expect(await store.head(runId)).toMatchObject({ epoch: 2 })
  })

  it('adds the events that a crash between a swap and its event has left out', async () => {
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    const survivors = new MemoryStore({ blobs: store.blobs })
    await survivors.createRun((await store.run(runId))!, (await store.head(runId))!)
    for (const { type, data } of await store.events(runId, 0, 100)) {
      const isLost =
        type === 'run:finished' ||
        (type === 'round:closed' && JSON.stringify(data).includes('"round":2'))
      if (!isLost) await survivors.appendEvent(runId, type, data)
    }
    store = survivors
    await newManager().resumeAll()
    expect((await typesOf(runId)).slice(-2)).toEqual(['round:closed', 'run:finished'])
    await newManager().resumeAll()
    expect((await typesOf(runId)).filter((type) => type === 'round:closed')).toHaveLength(3)
  })

  it('tells of the attempt that was open when a crash came before its event, once', async () => {
    fleet.script = stalls
    const runId = await manager.create(CONFIG)
    await expect.poll(() => fleet.openings.length).toBe(1)
    await manager.shutdown()
    const events = await store.events(runId, 0, 100)
    const opened = events.find(({ type }) => type === 'round:opened')!
    const survivors = new MemoryStore({ blobs: store.blobs })
    await survivors.createRun((await store.run(runId))!, (await store.head(runId))!)
    for (const { type, data } of events)
      if (type !== 'round:opened') await survivors.appendEvent(runId, type, data)
    store = survivors
    for (const _start of ['first', 'second']) {
      fleet = new FakeFleet(store.blobs, [0, 1])
      fleet.script = stalls
      manager = newManager()
      await manager.resumeAll()
      await expect.poll(() => fleet.openings.length).toBe(1)
      await manager.shutdown()
    }
    const told = (await store.events(runId, 0, 100)).filter(({ type }) => type === 'round:opened')
    expect(told.map(({ data }) => data)).toEqual([opened.data])
  })

  it('tells how a run ended, once, where a crash has left it out, after a resumption too', async () => {
    const compute = new FakeCompute(store.blobs)
    compute.close = () => Promise.reject(new Error('shapes differ'))
    manager = new RunManager({ store, fleet, compute, clock: new FakeClock(), kind: 'deployed' })
    const runId = await manager.create(CONFIG)
    for (const end of ['run:failed', 'run:failed']) {
      await manager.ended(runId)
      const told = await store.events(runId, 0, 100)
      const survivors = new MemoryStore({ blobs: store.blobs })
      await survivors.createRun((await store.run(runId))!, (await store.head(runId))!)
      for (const { type, data } of told.slice(0, -1)) await survivors.appendEvent(runId, type, data)
      store = survivors
      manager = new RunManager({ store, fleet, compute, clock: new FakeClock(), kind: 'deployed' })
      await manager.resumeAll()
      await manager.resumeAll()
      const added = (await store.events(runId, 0, 100)).slice(told.length - 1)
      expect(added).toMatchObject([{ type: end, data: { reason: 'internal/bug: shapes differ' } }])
      await manager.resume(runId)
    }
    await manager.ended(runId)
  })

  it('stops a run, gives its round up, and goes on with a new attempt when resumed', async () => {
    const { script } = fleet
    fleet.script = stalls
    const runId = await manager.create(CONFIG)
    await expect.poll(() => fleet.openings.length).toBe(1)
    await manager.stop(runId, 'enough')
    expect(await manager.record(runId)).toMatchObject({ state: 'stopped', reason: 'enough' })
    expect(fleet.settled).toEqual([[1, 1, { 0: 'abandoned', 1: 'abandoned' }]])
    await expect(manager.stop(runId)).rejects.toMatchObject({ code: 'run/finished' })
    expect(await manager.fate(runId, { round: 1, attempt: 1, slot: 0 })).toBe('abandoned')

    fleet.script = script
    await manager.resume(runId)
    await manager.ended(runId)
    const record = await manager.record(runId)
    expect(record.state).toBe('finished')
    expect(record.rounds.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
    await expect(manager.resume(runId)).rejects.toMatchObject({ code: 'run/finished' })
  })

  it('fails a run whose computation fails, with the reason', async () => {
    const compute = new FakeCompute(store.blobs)
    compute.close = () => Promise.reject(new Error('shapes differ'))
    manager = new RunManager({ store, fleet, compute, clock: new FakeClock(), kind: 'deployed' })
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    expect(await manager.record(runId)).toMatchObject({
      state: 'failed',
      reason: 'internal/bug: shapes differ',
    })
    expect(fleet.settled.at(-1)?.[2]).toEqual({ 0: 'abandoned', 1: 'abandoned' })
    expect((await typesOf(runId)).at(-1)).toBe('run:failed')
  })

  it('waits, and says why, while the store takes no writes, and goes on from what is stored', async () => {
    const clock = new FakeClock()
    const problems: string[] = []
    const real = store.accept.bind(store)
    const full = new FederationError('store/io', 'no space left on device')
    let failures = 2
    store.accept = (...args) => {
      if (args[2].slot === 1 && failures > 0) {
        failures -= 1
        return Promise.reject(full)
      }
      return real(...args)
    }
    manager = new RunManager({
      ...{ store, fleet, compute: new FakeCompute(store.blobs), clock, kind: 'deployed' },
      onProblem: ({ code }) => problems.push(code),
    })
    const runId = await manager.create(CONFIG)
    for (const [tries, pauseMs] of [
      [1, 1000],
      [2, 2000],
    ] as const) {
      await expect.poll(() => problems).toHaveLength(tries)
      const { state, reason } = await manager.record(runId)
      expect([state, reason]).toEqual([
        'waiting',
        'The store takes no writes: no space left on device',
      ])
      clock.advance(pauseMs)
    }
    await manager.ended(runId)
    const record = await manager.record(runId)
    expect(record).toMatchObject({ state: 'finished', reason: null })
    expect(record.rounds.map(({ attempt, accepted }) => [attempt, accepted.length])).toEqual([
      ...[
        [1, 0],
        [1, 2],
        [1, 2],
      ],
    ])
    expect(problems).toEqual(['store/io', 'store/io'])
  })

  it('leaves a run that waits for its store when it is told to', async () => {
    store.accept = () => Promise.reject(new FederationError('store/io', 'gone'))
    const runId = await manager.create(CONFIG)
    await expect.poll(async () => (await manager.record(runId)).state).toBe('waiting')
    await manager.shutdown()
    expect(await store.head(runId)).toMatchObject({ state: 'COLLECTING' })
  })

  it('fails a simulation whose store fails: nobody would see it wait', async () => {
    store.accept = () => Promise.reject(new FederationError('store/io', 'gone'))
    const compute = new FakeCompute(store.blobs)
    manager = new RunManager({ store, fleet, compute, clock: new FakeClock(), kind: 'simulated' })
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    expect(await manager.record(runId)).toMatchObject({ state: 'failed', reason: 'store/io: gone' })
  })

  it('knows no run that is not there', async () => {
    for (const use of [
      manager.record(newRunId()),
      manager.stop(newRunId()),
      manager.resume(newRunId()),
    ]) {
      await expect(use).rejects.toMatchObject({ code: 'run/not-found' })
    }
  })
})
