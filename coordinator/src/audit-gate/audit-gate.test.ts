import { beforeEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '#protocol/audit-settings.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { newKeyPair } from '#protocol/proof.js'
import { RunManager } from '#coordinator/run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeAudits, reportFor, rowFor } from '#testing/fake-audit.js'
import { madeUpAudit } from '#testing/made-up-audit.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { readJson } from '#coordinator/store/reachable.js'
import { AuditGate } from './audit-gate.js'
import type { GateRecord } from './gate-record.js'

vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: () => undefined,
}))

const KEY = newKeyPair()
const configWith = (change: object = {}): RunConfig =>
  recordedConfigSchema.parse({
    task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
    cohort: { take: 'all', sampler: 'uniform', minReporters: 2 },
    rounds: 2,
    audit: { threshold: 'elevated' },
    ...change,
  })
const CONFIG = configWith()

describe('the gate before the first round', () => {
  let store: MemoryStore
  let clock: FakeClock
  let audits: FakeAudits
  let gate: AuditGate
  let manager: RunManager

  /** As when a coordinator starts on what another left. */
  const restart = (): void => {
    const fleet = new FakeFleet(store.blobs, [0, 1])
    const compute = new FakeCompute(store.blobs)
    gate = new AuditGate({ store, clock, key: KEY, trustedKeys: [], startAudit: audits.start })
    manager = new RunManager({ store, fleet, compute, clock, gate, kind: 'deployed' })
  }
  const typesOf = async (runId: RunId): Promise<readonly string[]> =>
    (await store.events(runId, 0, 100)).map(({ type }) => type)
  const ended = async (runId: RunId) => {
    await manager.ended(runId)
    return manager.record(runId)
  }
  const found = (level: 'not-demonstrated' | 'high', change: object = {}): void => {
    audits.report = (config) => reportFor(config, level, change)
  }

  beforeEach(() => {
    store = new MemoryStore()
    clock = new FakeClock()
    audits = new FakeAudits()
    restart()
  })

  it('lets a run begin whose audit says no more than its threshold', async () => {
    const runId = await manager.create(CONFIG)
    expect(await ended(runId)).toMatchObject({ state: 'finished', reason: null })
    expect(audits.computed).toEqual(['a', 'b', 'c'])
    const types = await typesOf(runId)
    expect(types.indexOf('audit:finished')).toBeLessThan(types.indexOf('round:opened'))
    expect(await gate.view(runId)).toMatchObject({
      ...{ state: 'passed', verdict: 'not-demonstrated', source: 'audited', override: null },
      report: { signature: { publicKey: KEY.publicKey } },
    })
    await gate.assertPassed(runId)
  })

  it('stops a run before its first round whose audit says more, until an administrator decides otherwise', async () => {
    found('high')
    const runId = await manager.create(CONFIG)
    const { state, reason } = await ended(runId)
    expect(state).toBe('stopped')
    expect(reason).toMatch(/^audit\/above-threshold: .*says high.*elevated at most/)
    expect(await typesOf(runId)).not.toContain('round:opened')
    const above = { code: 'audit/above-threshold' }
    await expect(manager.resume(runId)).rejects.toMatchObject(above)
    await expect(gate.assertPassed(runId)).rejects.toMatchObject(above)
    await gate.override(runId, { by: 'user:ana', reason: 'public records' })
    expect((await gate.view(runId)).override).toMatchObject({
      by: 'user:ana',
      reason: 'public records',
    })
    await manager.resume(runId)
    expect(await ended(runId)).toMatchObject({ state: 'finished' })
    expect(audits.computed).toHaveLength(3)
  })

  it('keeps what it found through restarts and collections of garbage', async () => {
    found('high')
    const runId = await manager.create(CONFIG)
    await ended(runId)
    restart()
    await manager.resumeAll()
    await manager.collectGarbage(0)
    expect(await gate.view(runId)).toMatchObject({
      state: 'above-threshold',
      report: { report: {} },
    })
    await expect(manager.resume(runId)).rejects.toMatchObject({ code: 'audit/above-threshold' })
  })

  it('goes on behind the last finished cell after a crash, and after a stop', async () => {
    const inB = new Promise<void>((resolve) => {
      audits.before = (key) => {
        if (key !== 'b') return Promise.resolve()
        resolve()
        return new Promise(() => undefined)
      }
    })
    const runId = await manager.create(CONFIG)
    await inB
    await manager.shutdown()
    expect(audits).toMatchObject({ computed: ['a'], open: 0 })
    await manager.collectGarbage(0)
    restart()
    const again = new Promise<void>((resolve) => {
      audits.before = (key) => {
        if (key !== 'c') return Promise.resolve()
        resolve()
        return new Promise(() => undefined)
      }
    })
    await manager.resumeAll()
    await again
    await manager.stop(runId)
    expect(await gate.view(runId)).toMatchObject({ state: 'under-way', progress: null })
    await expect(gate.assertPassed(runId)).rejects.toMatchObject({ code: 'audit/under-way' })
    audits.before = () => Promise.resolve()
    await manager.resume(runId)
    expect(await ended(runId)).toMatchObject({ state: 'finished' })
    expect(audits.computed).toEqual(['a', 'b', 'c'])
  })

  it('tells what it found also when it died before it had told it', async () => {
    const appended = store.appendEvent.bind(store)
    const dies = vi
      .spyOn(store, 'appendEvent')
      .mockImplementation((runId, type, data) =>
        type === 'audit:finished'
          ? Promise.reject(new FederationError('store/locked', 'died'))
          : appended(runId, type, data),
      )
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    dies.mockRestore()
    expect(await typesOf(runId)).not.toContain('audit:finished')
    restart()
    await manager.resumeAll()
    await manager.resumeAll()
    const told = (await typesOf(runId)).filter((type) => type === 'audit:finished')
    expect(told).toHaveLength(1)
  })

  it('tells how far it is and how long it will take', async () => {
    let goOn: () => void = () => undefined
    audits.before = (key) => {
      clock.advance(10_000)
      return key === 'b' ? new Promise((resolve) => (goOn = resolve)) : Promise.resolve()
    }
    const runId = await manager.create(CONFIG)
    await vi.waitUntil(() => audits.computed.length === 1 && gate.waitingFor(runId) !== null)
    await vi.waitUntil(async () => (await gate.view(runId)).progress?.done === 1)
    // One cell took 10 s, half of the next did as well.
    expect((await gate.view(runId)).progress).toEqual({ done: 1, total: 3, secondsLeft: 1.5 * 15 })
    expect(await manager.record(runId)).toMatchObject({
      state: 'waiting',
      reason: 'The privacy audit before the first round: 1 of 3 parts done, about 23 s left',
    })
    goOn()
    await ended(runId)
    const told = (await store.events(runId, 0, 100)).filter(({ type }) => type === 'audit:progress')
    expect(told.map(({ data }) => data['done'])).toEqual([0, 1, 2, 3])
  })

  it('stops a run whose placebo was told from chance: such a report proves nothing', async () => {
    found('not-demonstrated', { isSound: false })
    const runId = await manager.create(CONFIG)
    expect((await ended(runId)).reason).toMatch(/^audit\/unsound: /)
    expect(await gate.view(runId)).toMatchObject({ state: 'unsound' })
  })

  it('stops a run on which no attack came to a result: nothing was tested', async () => {
    audits.report = async (config) => {
      const settings = settingsOf(config)
      return (await madeUpAudit({ settings }, [rowFor(config, 'high', { methods: [] })])).report
    }
    const runId = await manager.create(CONFIG)
    const why = /no attack came to a result/
    expect((await ended(runId)).reason).toMatch(/^audit\/unsound: .*no attack came to a result/)
    const { state, obstacles } = await gate.view(runId)
    expect([state, obstacles.join()]).toEqual(['unsound', expect.stringMatching(why)])
    const told = (await store.events(runId, 0, 100)).find(({ type }) => type === 'audit:finished')
    expect(told?.data).toMatchObject({ isSound: false, obstacles })
  })

  it('lets a run begin that somebody overrode while it was being stopped', async () => {
    found('high')
    const advance = store.advance.bind(store)
    let overrides = 0
    vi.spyOn(store, 'advance').mockImplementation(async (runId, from, to) => {
      if (to.state === 'STOPPED' && overrides === 0) {
        overrides += 1
        await gate.override(runId, { by: 'user:ana', reason: 'in time' })
      }
      return advance(runId, from, to)
    })
    const runId = await manager.create(CONFIG)
    expect(await ended(runId)).toMatchObject({ state: 'finished', reason: null })
    expect(overrides).toBe(1)
    expect(await gate.view(runId)).toMatchObject({ state: 'overridden' })
  })

  it('leaves a run that it would stop to the coordinator that took it meanwhile', async () => {
    found('high')
    const advance = store.advance.bind(store)
    vi.spyOn(store, 'advance').mockImplementation(async (runId, from, to) => {
      if (to.state !== 'STOPPED') return advance(runId, from, to)
      const head = (await store.head(runId))!
      await advance(runId, head, { ...head, epoch: head.epoch + 1 })
      return advance(runId, from, to)
    })
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    expect(await store.head(runId)).toMatchObject({ state: 'PLANNED', epoch: 2, reason: null })
  })

  it('audits one run at a time', async () => {
    let goOn: () => void = () => undefined
    audits.before = () =>
      audits.computed.length > 0 ? Promise.resolve() : new Promise((resolve) => (goOn = resolve))
    const runs = [await manager.create(CONFIG), await manager.create(CONFIG)]
    await vi.waitUntil(() => gate.waitingFor(runs[1]!)?.endsWith('that of another run'))
    goOn()
    for (const runId of runs) await ended(runId)
    expect(audits).toMatchObject({ most: 1, open: 0 })
    expect(audits.computed).toHaveLength(6)
  })

  it('keeps nothing of a cell that it finished after another coordinator took the run', async () => {
    audits.before = async (key) => {
      if (key !== 'b') return
      const { runId } = (await store.runs())[0]!
      const head = (await store.head(runId))!
      await store.advance(runId, head, { ...head, epoch: head.epoch + 1 })
    }
    const runId = await manager.create(CONFIG)
    await manager.ended(runId)
    const head = (await store.head(runId))!
    expect(head).toMatchObject({ state: 'PLANNED', epoch: 2, reason: null })
    const kept = await readJson<GateRecord>(store.blobs, head.gateHash!)
    expect(kept).toMatchObject({ cells: { a: expect.any(String) as string }, decision: null })
    expect(Object.keys(kept.cells)).toEqual(['a'])
    expect(await typesOf(runId)).not.toContain('run:failed')
  })

  it('lets go of a run that is stopped while it waits for the audit of another one', async () => {
    let goOn: () => void = () => undefined
    audits.before = () =>
      audits.computed.length > 0 ? Promise.resolve() : new Promise((resolve) => (goOn = resolve))
    const [first, second] = [await manager.create(CONFIG), await manager.create(CONFIG)]
    const third = await manager.create(CONFIG)
    await manager.stop(second)
    goOn()
    for (const runId of [first, third]) await ended(runId)
    expect(audits).toMatchObject({ most: 1, open: 0 })
    expect(audits.computed).toHaveLength(6)
    expect(await manager.record(second)).toMatchObject({ state: 'stopped' })
  })

  it('does nothing to a run that asks for no audit, and tells so', async () => {
    const { audit: _audit, ...config } = CONFIG
    audits.refuse = new FederationError('internal/bug', 'must not be asked')
    const runId = await manager.create(config)
    expect(await ended(runId)).toMatchObject({ state: 'finished' })
    expect((await store.head(runId))?.gateHash).toBeUndefined()
    expect(await gate.view(runId)).toMatchObject({ state: 'none', report: null })
    await gate.assertPassed(runId)
  })

  it('stores no run that cannot be audited', async () => {
    audits.refuse = new FederationError('audit/not-auditable', 'scaffold')
    await expect(manager.create(CONFIG)).rejects.toMatchObject({ code: 'audit/not-auditable' })
    expect(await store.runs()).toEqual([])
    expect(audits.open).toBe(0)
  })

  it('fails a run whose audit fails, and tries again when it is resumed', async () => {
    audits.before = () => Promise.reject(new FederationError('algorithm/failed', 'died twice'))
    const runId = await manager.create(CONFIG)
    expect(await ended(runId)).toMatchObject({
      state: 'failed',
      reason: 'algorithm/failed: died twice',
    })
    await expect(gate.override(runId, { by: 'user:ana', reason: 'x' })).rejects.toMatchObject({
      code: 'audit/under-way',
    })
    audits.before = () => Promise.resolve()
    await manager.resume(runId)
    expect(await ended(runId)).toMatchObject({ state: 'finished' })
  })

  it('has nothing to override where nothing stands against a run', async () => {
    const runId = await manager.create(CONFIG)
    await ended(runId)
    const override = gate.override(runId, { by: 'user:ana', reason: 'x' })
    await expect(override).rejects.toMatchObject({ code: 'run/finished' })
    await expect(gate.view('run-aaaaaaaaaaaa' as RunId)).rejects.toMatchObject({
      code: 'run/not-found',
    })
  })

  it('signs the report of which it tells, and nothing of it goes to nodes but that', async () => {
    const runId = await manager.create(CONFIG)
    await ended(runId)
    const told = await gate.forNodes(runId)
    expect(told).toMatchObject({ verdict: 'not-demonstrated', publicKey: KEY.publicKey })
    const bytes = await store.blobs.get(told!.report.hash)
    expect(bytes?.byteLength).toBe(told?.report.bytes)
    expect(sha256(bytes!)).toBe(told?.report.hash)
  })
})
