import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute, FakeFleet, untilAborted } from '#testing/fake-fleet.js'
import {
  CONFIG as FLEET_CONFIG,
  FleetWorld,
  RUN,
  settleDown,
  updateOf,
} from '#testing/fleet-world.js'
import { CONFIG, roundWorld } from '#testing/round-world.js'
import { runRounds } from './round.js'
import { RunManager } from './run.js'
import { startCoordinator } from './server.js'
import { MemoryStore } from './store/memory-store.js'

// The fakes need no catalogue.
vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: () => undefined,
}))

const DISK_FULL = new FederationError('store/io', 'no space left on device')

describe('a round that waits for members', () => {
  it('has what its task shares, though it was collected meanwhile', async () => {
    const here = await roundWorld({ ...CONFIG, rounds: 1 })
    const compute = new FakeCompute(here.store.blobs)
    const plain = compute.next.bind(compute)
    compute.next = async (...args) => {
      const plan = await plain(...args)
      if (plan === 'done') return plan
      return { ...plan, shared: { hash: await here.store.blobs.put(Buffer.from('s')), bytes: 1 } }
    }
    here.fleet.online = []
    const running = runRounds(await here.context({ compute }))
    await expect.poll(async () => (await here.store.events(here.runId, 0, 9)).length).toBe(1)
    await here.store.collectGarbage(0)
    here.fleet.connect([0, 1, 2])
    expect((await running).state).toBe('DONE')
    const [opening] = here.fleet.openings
    expect(await here.store.blobs.has(opening!.plan.shared.hash)).toBe(true)
  })
})

describe('a run', () => {
  let store: MemoryStore
  let fleet: FakeFleet
  let clock: FakeClock
  let problems: string[]
  let manager: RunManager
  const config = { ...CONFIG, cohort: { ...CONFIG.cohort, take: 'all' } } as RunConfig
  const newManager = (): RunManager =>
    new RunManager({
      ...{ store, fleet, clock, compute: new FakeCompute(store.blobs), kind: 'deployed' },
      onProblem: ({ code }) => problems.push(code),
    })
  const typesOf = async (runId: RunId): Promise<readonly string[]> =>
    (await store.events(runId, 0, 100)).map(({ type }) => type)
  const stateOf = async (runId: RunId) => (await manager.record(runId)).state

  beforeEach(() => {
    store = new MemoryStore()
    fleet = new FakeFleet(store.blobs, [0, 1, 2])
    ;[clock, problems] = [new FakeClock(), []]
    manager = newManager()
  })

  it('tells of its end when the disk takes it, though it had ended before', async () => {
    const append = store.appendEvent.bind(store)
    let failures = 1
    store.appendEvent = (...args) => {
      if (args[1] !== 'run:finished' || failures === 0) return append(...args)
      failures -= 1
      return Promise.reject(DISK_FULL)
    }
    const runId = await manager.create(config)
    await expect.poll(() => problems).toEqual(['store/io'])
    clock.advance(1000)
    await manager.ended(runId)
    expect((await typesOf(runId)).filter((type) => type === 'run:finished')).toHaveLength(1)
  })

  it('that could not be stopped goes on', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { script } = fleet
    fleet.script = async function* (opening, options) {
      await Promise.race([held, untilAborted(options.signal)])
      if (!options.signal.aborted) yield* script(opening, options) as Iterable<never>
    }
    const runId = await manager.create(config)
    await expect.poll(() => fleet.openings.length).toBe(1)
    const advance = store.advance.bind(store)
    store.advance = (...args) =>
      args[2].state === 'STOPPED' ? Promise.reject(DISK_FULL) : advance(...args)
    await expect(manager.stop(runId)).rejects.toMatchObject({ code: 'store/io' })
    release()
    await manager.ended(runId)
    expect(await stateOf(runId)).toBe('finished')
  })

  it('is resumed while the loop that failed it still tells so', async () => {
    const settle = fleet.settle.bind(fleet)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    fleet.settle = async (...args) => {
      await held
      return settle(...args)
    }
    const compute = new FakeCompute(store.blobs)
    const close = compute.close.bind(compute)
    compute.close = () => Promise.reject(new Error('shapes differ'))
    manager = new RunManager({ store, fleet, clock, compute, kind: 'deployed' })
    const runId = await manager.create(config)
    await expect.poll(() => typesOf(runId)).toContain('run:failed')
    compute.close = close
    const resuming = manager.resume(runId)
    await new Promise((resolve) => setImmediate(resolve))
    release()
    await resuming
    await manager.ended(runId)
    expect(await stateOf(runId)).toBe('finished')
  })

  it('whose files are damaged keeps no other from being taken up', async () => {
    const damaged = await manager.create(config)
    await manager.ended(damaged)
    fleet.connect([])
    const waiting = await manager.create(config)
    await manager.shutdown()
    await store.blobs.delete((await store.head(damaged))!.recordHash!)
    manager = newManager()
    await manager.resumeAll()
    expect(problems).toContain('store/corrupt')
    fleet.connect([0, 1, 2])
    await manager.ended(waiting)
    expect(await stateOf(waiting)).toBe('finished')
  })
})

describe('a node that is revoked while its last bytes are written', () => {
  it('has no update that counts', async () => {
    const world = await FleetWorld.create()
    const node = world.join('a')
    world.join('b')
    await world.fleet.available(RUN, FLEET_CONFIG)
    const { ended, abort } = world.exchange()
    await settleDown()
    const update = world.store.updateEngine.bind(world.store)
    world.store.updateEngine = async (...args) => {
      world.fleet.expel(node.nodeId)
      return update(...args)
    }
    await expect(world.upload(node, updateOf(0))).rejects.toMatchObject({
      code: 'round/not-leased',
    })
    abort.abort()
    expect(await ended).toEqual([])
  })
})

describe('a coordinator whose signing secret was replaced', () => {
  it('prints no code that would let somebody in', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tributary-secret-'))
    try {
      const codes = []
      for (let start = 0; start < 2; start += 1) {
        const coordinator = await startCoordinator({
          ...{ dataDir, port: 0, logLevel: 'silent' },
          compute: ({ blobs }) => new FakeCompute(blobs),
        })
        codes.push(coordinator.signInCode)
        await coordinator.stop()
        await rm(join(dataDir, 'signing-secret'))
      }
      expect(codes).toEqual([expect.any(String), null])
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })
})
