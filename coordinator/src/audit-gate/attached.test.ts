import { beforeEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '#protocol/audit-settings.js'
import type { AuditReport, SignedReport } from '#protocol/audit-report.js'
import { signReport } from '#protocol/audit-signature.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { newKeyPair } from '#protocol/proof.js'
import { RunManager } from '#coordinator/run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeAudits, reportFor } from '#testing/fake-audit.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { AuditGate } from './audit-gate.js'

vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: () => undefined,
}))

const [OWN, TRUSTED, STRANGER] = [newKeyPair(), newKeyPair(), newKeyPair()] as const
const configWith = (change: object = {}): RunConfig =>
  recordedConfigSchema.parse({
    task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
    cohort: { take: 'all', sampler: 'uniform', minReporters: 2 },
    rounds: 1,
    audit: { threshold: 'elevated' },
    ...change,
  })
const CONFIG = configWith()

describe('a report that somebody brings with a run', () => {
  let store: MemoryStore
  let gate: AuditGate
  let manager: RunManager
  beforeEach(() => {
    store = new MemoryStore()
    const clock = new FakeClock()
    const audits = new FakeAudits()
    audits.refuse = new FederationError('internal/bug', 'must not be audited again')
    const [fleet, compute] = [new FakeFleet(store.blobs, [0, 1]), new FakeCompute(store.blobs)]
    gate = new AuditGate({
      ...{ store, clock, key: OWN, trustedKeys: [TRUSTED.publicKey] },
      startAudit: audits.start,
    })
    manager = new RunManager({ store, fleet, compute, clock, gate, kind: 'deployed' })
  })
  const upload = (value: unknown): Promise<Hash> =>
    store.blobs.put(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
  const signed = async (
    change: Partial<AuditReport> = {},
    { privateKey } = OWN,
  ): Promise<SignedReport> =>
    signReport(await reportFor(CONFIG, 'not-demonstrated', change), privateKey)

  it.each([
    ['the coordinator itself', OWN],
    ['a key that it was told to trust', TRUSTED],
  ])('takes the place of an audit when %s has signed it', async (_who, key) => {
    const hash = await upload(await signed({}, key))
    const runId = await manager.create(CONFIG, hash)
    await manager.ended(runId)
    expect(await manager.record(runId)).toMatchObject({ state: 'finished' })
    expect(await gate.view(runId)).toMatchObject({ state: 'passed', source: 'attached' })
    await manager.collectGarbage(0)
    expect(await store.blobs.has(hash)).toBe(true)
    expect(await gate.forNodes(runId)).toMatchObject({ publicKey: key.publicKey, report: { hash } })
  })

  it('stops the run as an audit would when it says more than the threshold', async () => {
    const hash = await upload(signReport(await reportFor(CONFIG, 'high'), OWN.privateKey))
    const runId = await manager.create(CONFIG, hash)
    await manager.ended(runId)
    expect((await manager.record(runId)).reason).toMatch(/^audit\/above-threshold/)
  })

  it('comes with a run that asks for none: nodes judge it, the coordinator has no threshold', async () => {
    const { audit: _audit, ...config } = CONFIG
    const hash = await upload(signReport(await reportFor(config, 'high'), OWN.privateKey))
    const runId = await manager.create(config, hash)
    await manager.ended(runId)
    expect(await manager.record(runId)).toMatchObject({ state: 'finished' })
    expect(await gate.view(runId)).toMatchObject({ state: 'passed', threshold: null })
  })

  const refusals: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    [
      'is edited',
      'audit/bad-report',
      async () => {
        const { report, signature } = await signed()
        return { report: { ...report, seconds: 1 }, signature }
      },
    ],
    ['was signed by a stranger', 'audit/not-trusted', () => signed({}, STRANGER)],
    [
      'says another key than signed it',
      'audit/bad-report',
      async () => {
        const { report, signature } = await signed({}, STRANGER)
        return { report, signature: { ...signature, publicKey: OWN.publicKey } }
      },
    ],
    [
      'was signed with a verdict that does not follow',
      'audit/bad-report',
      async () => {
        const report = await reportFor(CONFIG, 'high')
        const rows = report.rows.map((row) => ({ ...row, verdict: 'not-demonstrated' as const }))
        return signReport({ ...report, rows, verdict: 'not-demonstrated' }, OWN.privateKey)
      },
    ],
    [
      'is about other settings',
      'audit/stale',
      () => {
        const training = { ...CONFIG.training, batchSize: 16 }
        return signed({ settings: settingsOf({ ...CONFIG, training }) })
      },
    ],
    [
      'holds pictures',
      'audit/bad-report',
      () => signed({ pictures: { retainUntil: '2030-01-01', byRow: [] } }),
    ],
    ['tried less than the budget of the gate', 'audit/too-weak', () => signed({ budget: 'smoke' })],
    [
      'tried some attacks only',
      'audit/too-weak',
      async () => {
        const { report } = await signed()
        const effort = { ...report.effort, methods: ['idlg'] }
        return signReport({ ...report, effort }, OWN.privateKey)
      },
    ],
    ['is no JSON', 'audit/bad-report', async () => '{'],
    ['hides a key that reaches prototypes', 'audit/bad-report', async () => '{"__proto__": {}}'],
    ['is something else', 'audit/bad-report', async () => ({ report: {} })],
  ]
  it.each(refusals)('is refused when it %s, and nothing is stored', async (_what, code, make) => {
    const hash = await upload(await make())
    await expect(manager.create(CONFIG, hash)).rejects.toMatchObject({ code })
    expect(await store.runs()).toEqual([])
  })

  it('is refused when it is about fewer records than the gate would audit', async () => {
    const hash = await upload(await signed())
    const config = configWith({ audit: { count: 7 } })
    await expect(manager.create(config, hash)).rejects.toThrow(/7 or more/)
  })

  it('is refused with a run that sends more than was audited, also one of a calibration alone', async () => {
    const { audit: _audit, ...config } = configWith({
      rounds: 0,
      calibration: { name: 'ccvr', when: 'final' },
    })
    const hash = await upload(await signed())
    await expect(manager.create(config, hash)).rejects.toThrow(/calibration/)
    const claiming = await upload(await signed({ settings: settingsOf(config) }))
    await expect(manager.create(config, claiming)).rejects.toMatchObject({ code: 'audit/stale' })
  })

  it('is not read when it is larger than any report', async () => {
    const hash = await upload('x'.repeat(16 * 2 ** 20 + 1))
    const get = vi.spyOn(store.blobs, 'get')
    await expect(manager.create(CONFIG, hash)).rejects.toThrow(/at most 16777216/)
    expect(get.mock.calls.map(([read]) => read)).not.toContain(hash)
  })

  it('is refused when it was not uploaded', async () => {
    const attached = manager.create(CONFIG, sha256('not there'))
    await expect(attached).rejects.toMatchObject({ code: 'audit/bad-report' })
  })

  it('names the keys that differ', async () => {
    const hash = await upload(await signed())
    const other = configWith({ updates: [{ name: 'clip', norm: 1 }], training: { localEpochs: 2 } })
    await expect(manager.create(other, hash)).rejects.toThrow(
      /another run: .*training\.localEpochs.*updates/,
    )
  })
})
