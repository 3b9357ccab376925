import { beforeEach, describe, expect, it } from 'vitest'
import type { AuditLevel } from '#protocol/audit-level.js'
import { settingsOf } from '#protocol/audit-settings.js'
import type { AuditReport, SignedReport } from '#protocol/audit-report.js'
import { signReport } from '#protocol/audit-signature.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import { sha256 } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY, type Policy, type ReportedEffort } from '#protocol/policy.js'
import { newKeyPair } from '#protocol/proof.js'
import { configHash } from '#protocol/run-config.js'
import { madeUpAudit, OPEN, QUIET } from '#testing/made-up-audit.js'
import { assertAudited } from './audit-demand.js'
import type { NodeContext } from './node-context.js'

const [COORDINATOR, AUDITOR] = [newKeyPair(), newKeyPair()] as const
const CONFIG = recordedConfigSchema.parse({
  task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
  cohort: { take: 'all', sampler: 'uniform' },
}) as RunConfig
/** Whatever an owner asks for. */
const ALL = { smoke: 10_000, standard: 10_000, thorough: 10_000 }
const { signal } = new AbortController()

describe('a node whose owner demands an audit', () => {
  let fetched: number
  beforeEach(() => {
    fetched = 0
  })
  /** The node, and a task with that report, about which the coordinator may say anything. */
  const scene = async (options: {
    readonly audit?: Policy['audit']
    readonly rows?: Parameters<typeof madeUpAudit>[1]
    readonly key?: typeof COORDINATOR
    readonly says?: AuditLevel
    readonly effort?: ReportedEffort
    readonly config?: RunConfig
    readonly report?: Partial<AuditReport>
    readonly bytes?: (report: SignedReport) => string
  }) => {
    const { audit, rows = [QUIET], key = COORDINATOR, says = 'not-demonstrated' } = options
    const { effort = ALL } = options
    const { report: change, config = CONFIG, bytes: encode = JSON.stringify } = options
    const { report } = await madeUpAudit({ settings: settingsOf(CONFIG), ...change }, rows)
    const bytes = Buffer.from(encode(signReport(report, key.privateKey)))
    const node = {
      policy: { ...DEFAULT_POLICY, ...(audit === undefined ? {} : { audit }) },
      auditKey: COORDINATOR.publicKey,
      fetchBlob: async () => {
        fetched += 1
        return bytes
      },
    } as unknown as NodeContext
    const told = { hash: sha256(bytes), bytes: bytes.length }
    const task = {
      ...{ config, configHash: configHash(config) },
      audit: { report: told, verdict: says, publicKey: key.publicKey, effort },
    } as unknown as TaskMessage
    return { node, task }
  }
  const ELEVATED = { most: 'elevated', key: null, budget: 'standard', records: 4 } as const
  const refusal = async (options: Parameters<typeof scene>[0]): Promise<string> => {
    const { node, task } = await scene(options)
    const error: unknown = await assertAudited(node, task, signal).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'policy/refused' })
    return (error as Error).message
  }

  it('reads the report once, and takes the task when it is good', async () => {
    const { node, task } = await scene({ audit: ELEVATED })
    expect(await assertAudited(node, task, signal)).toBe(1)
    expect(await assertAudited(node, task, signal)).toBe(1)
    expect(fetched).toBe(1)
  })
  it('tells of how many records of one client the report speaks at least', async () => {
    const rows = [
      { ...QUIET, batchSize: 2 },
      { ...QUIET, batchSize: 8 },
    ]
    const { node, task } = await scene({ audit: ELEVATED, rows })
    for (const _ of [1, 2]) expect(await assertAudited(node, task, signal)).toBe(2)
  })
  it('asks for nothing when its owner demands nothing', async () => {
    const { node, task } = await scene({ rows: [{ methods: OPEN }] })
    expect(await assertAudited(node, task, signal)).toBe(0)
    expect(fetched).toBe(0)
  })
  it('does not take the coordinator’s word for the verdict', async () => {
    const rows = [{ methods: OPEN }]
    expect(await refusal({ audit: ELEVATED, rows })).toContain(
      'says more than elevated (this one says high)',
    )
  })
  it('refuses without reading what is above by the coordinator’s own word', async () => {
    expect(await refusal({ audit: ELEVATED, says: 'certain' })).toContain('this one says certain')
    expect(fetched).toBe(0)
  })
  it('refuses without reading what tried too little by that word', async () => {
    const effort = { smoke: 10_000 }
    expect(await refusal({ audit: ELEVATED, effort })).toContain('less than the budget standard')
    expect(fetched).toBe(0)
  })
  it('refuses a task without a report', async () => {
    const { node, task } = await scene({ audit: ELEVATED })
    const { audit: _audit, ...bare } = task
    await expect(assertAudited(node, bare, signal)).rejects.toThrow(/without a signed report/)
  })
  it('takes reports of the key that its owner named, and of no other', async () => {
    const audit = { ...ELEVATED, key: AUDITOR.publicKey }
    expect(await refusal({ audit })).toContain('by another key')
    const { node, task } = await scene({ audit, key: AUDITOR })
    await assertAudited(node, task, signal)
    expect(await refusal({ audit: ELEVATED, key: AUDITOR })).toContain(
      'does not count: The report is signed with',
    )
  })
  it('refuses a report of little effort: its budget, its records and its attacks are looked at', async () => {
    const smoke = { report: { budget: 'smoke' as const } }
    expect(await refusal({ audit: ELEVATED, ...smoke })).toContain('the budget smoke')
    const allowing = await scene({ audit: { ...ELEVATED, budget: 'smoke' }, ...smoke })
    await assertAudited(allowing.node, allowing.task, signal)
    expect(await refusal({ audit: { ...ELEVATED, records: 7 } })).toContain('7 or more')
    expect(await refusal({ audit: { ...ELEVATED, budget: 'thorough' } })).toContain('thorough')
    const rows = [{ methods: [] }]
    expect(await refusal({ audit: ELEVATED, rows })).toContain('no attack came to a result')
  })
  it('refuses a run with a calibration or diagnostics, which no audit attacks', async () => {
    const config = recordedConfigSchema.parse({
      ...CONFIG,
      calibration: { name: 'ccvr', when: 'final' },
    })
    expect(await refusal({ audit: ELEVATED, config })).toMatch(/calibration .*no audit attacks/)
    const evaluation = { ...CONFIG.evaluation, diagnostics: { every: 1 } } as never
    expect(await refusal({ audit: ELEVATED, config: { ...CONFIG, evaluation } })).toContain(
      'diagnostics',
    )
  })
  it('refuses a report about another run, one that proves nothing, and what is none', async () => {
    const training = { ...CONFIG.training, batchSize: 1 }
    const config = { ...CONFIG, training }
    expect(await refusal({ audit: ELEVATED, config })).toContain('training.batchSize')
    expect(await refusal({ audit: ELEVATED, report: { isSound: false } })).toContain(
      'proves nothing',
    )
    expect(await refusal({ audit: ELEVATED, bytes: () => '{' })).toContain('no JSON')
    expect(await refusal({ audit: ELEVATED, bytes: () => '{}' })).toContain('is none')
    const edit = (report: SignedReport): string =>
      JSON.stringify(report).replace('"seconds":7834', '"seconds":7835')
    expect(await refusal({ audit: ELEVATED, bytes: edit })).toContain('not what was signed')
  })
})
