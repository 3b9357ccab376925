import { describe, expect, it } from 'vitest'
import type { AuditLevel } from '#protocol/audit-level.js'
import type { AuditReport, AuditRow, SignedReport } from '#protocol/audit-report.js'
import { settingsOf } from '#protocol/audit-settings.js'
import { signReport } from '#protocol/audit-signature.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import type { LeastEffort } from '#protocol/policy.js'
import { newKeyPair } from '#protocol/proof.js'
import { madeUpAudit, OPEN, QUIET, type MadeUpRow } from '#testing/made-up-audit.js'
import { effortOf, reportedRisk } from './reported-risk.js'

const KEY = newKeyPair()
const UPDATES = [{ name: 'clip', norm: 1 }]
const CONFIG = recordedConfigSchema.parse({
  task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
  training: { batchSize: 4, localEpochs: 1 },
  cohort: { take: 'all', sampler: 'uniform' },
  updates: UPDATES,
}) as RunConfig
const OWN: MadeUpRow = { ...QUIET, updates: UPDATES, batchSize: 4 }
const demand = { config: CONFIG, trustedKeys: ['another', KEY.publicKey], least: null }

const reportWith = async (
  rows: readonly MadeUpRow[] = [OWN],
  change: Partial<AuditReport> = {},
): Promise<SignedReport> => {
  const { report } = await madeUpAudit({ settings: settingsOf(CONFIG), ...change }, rows)
  return signReport(report, KEY.privateKey)
}

/** Nothing was recognised by controls, whose records are told among so many of their class. */
const toldAmong = (candidates: number, rows: readonly AuditRow[]): AuditRow[] =>
  rows.map((row) => ({
    ...row,
    controls: row.controls.map((control) => ({
      ...control,
      sameClass: { ...control.sameClass, candidates, chance: 1 / candidates },
    })),
  }))

describe('what a report says of a run', () => {
  it('comes from its rows as the run is configured, not from those that were tried beside', async () => {
    const beside: MadeUpRow = { methods: OPEN, batchSize: 4 }
    const risk = await reportedRisk(await reportWith([beside, OWN]), demand)
    expect(risk).toMatchObject({ verdict: 'not-demonstrated', obstacles: [] })
    const worse: MadeUpRow = { ...OWN, methods: OPEN, batchSize: 1 }
    const found = await reportedRisk(await reportWith([OWN, worse]), demand)
    expect(found.verdict).toBe('high')
    expect(found.because).toContain('told 5 of 6 records')
  })

  it('goes by our thresholds, whatever those of the report are', async () => {
    const thresholds = {
      ...DEFAULT_THRESHOLDS,
      ...{ highGain: 90, elevatedGain: 90, highIdentification: 99, elevatedIdentification: 99 },
      ...{ certainGain: 90, labelPValue: 1e-300 },
    }
    const { report } = await reportWith([{ ...OWN, methods: OPEN }])
    const rows = report.rows.map((row) => ({ ...row, verdict: 'not-demonstrated' as const }))
    const lenient = { ...report, rows, thresholds, verdict: 'not-demonstrated' as const }
    const risk = await reportedRisk(signReport(lenient, KEY.privateKey), demand)
    expect(risk.verdict).toBe('high')
  })

  it('is nothing where the placebo was told from chance', async () => {
    const rows = [{ ...OWN, placeboHits: 6 }]
    const risk = await reportedRisk(await reportWith(rows, { isSound: false }), demand)
    expect(risk.obstacles).toEqual([expect.stringContaining('placebo')])
    const calm = await reportedRisk(await reportWith([OWN], { isSound: false }), demand)
    expect(calm.obstacles).toEqual([expect.stringContaining('of itself')])
  })

  it.each([
    ['a batch larger than any of the run', { ...OWN, batchSize: 8, localSteps: 2 }],
    ['other transforms', { ...OWN, updates: [] }],
    ['the mean of many clients', { ...OWN, clients: 8 }],
    ['a model in another state', { ...OWN, modelState: 'trained' as const }],
    ['more local steps', { ...OWN, localSteps: 2 }],
    ['the update taken for one gradient', { ...OWN, approximation: 'one-gradient' as const }],
  ])('is nothing when it is only about %s', async (_what, row) => {
    const risk = reportedRisk(await reportWith([row]), demand)
    await expect(risk).rejects.toMatchObject({ code: 'audit/stale' })
  })

  it('is nothing where nothing was tried, or no placebo was', async () => {
    const untried = await reportedRisk(await reportWith([{ ...OWN, methods: [] }]), demand)
    expect(untried.obstacles).toEqual([expect.stringContaining('no attack')])
    const { report } = await reportWith()
    const rows = report.rows.map((row) => ({
      ...row,
      controls: row.controls.filter(({ name }) => name !== 'placebo'),
    }))
    const bare = signReport({ ...report, rows, isSound: false }, KEY.privateKey)
    expect((await reportedRisk(bare, demand)).obstacles).toEqual([
      expect.stringContaining('no placebo'),
    ])
  })

  it('is refused where less was tried than is asked for', async () => {
    const least = { budget: 'standard', records: 6 } as const
    const { effort, ...rest } = (await reportWith()).report
    const less = { ...effort, isAsBudget: false }
    const of = (change: Partial<AuditReport>, asked: LeastEffort = least) =>
      reportedRisk(signReport({ ...rest, effort, ...change }, KEY.privateKey), {
        ...demand,
        least: asked,
      })
    await of({})
    await of({ budget: 'smoke' }, { ...least, budget: 'smoke' })
    const weak: readonly (readonly [RegExp, () => Promise<unknown>])[] = [
      [/budget smoke, and standard/, () => of({ budget: 'smoke' })],
      [/budget standard, and thorough/, () => of({}, { ...least, budget: 'thorough' })],
      [/149 iterations/, () => of({ effort: { ...less, iterations: 149 } })],
      [/1 restarts/, () => of({ effort: { ...less, restarts: 1 } })],
      [/only idlg/, () => of({ effort: { ...effort, methods: ['idlg'] } })],
      [/6 records .*, and 7 or more/, () => of({}, { ...least, records: 7 })],
    ]
    for (const [message, risk] of weak) {
      await expect(risk()).rejects.toThrow(message)
      await expect(risk()).rejects.toMatchObject({ code: 'audit/too-weak' })
    }
    // A smoke budget never takes more than two batches, here of four.
    const smoke = of({ budget: 'smoke' }, { budget: 'smoke', records: 100 })
    await expect(smoke).rejects.toThrow('6 records')
  })

  it('tells for every budget that it kept to of how many records one may ask', async () => {
    const { report } = await reportWith()
    const { effort } = await reportedRisk(await reportWith(), demand)
    expect(effort).toEqual({ smoke: 6, standard: 6 })
    const of = (change: Partial<AuditReport>) => effortOf({ ...report, ...change })
    const rows = report.rows.map((row) => ({ ...row, batchSize: 3 }))
    expect(await of({ rows })).toEqual({ smoke: 10_000, standard: 6 })
    const { effort: own } = report
    expect(await of({ effort: { ...own, restarts: 1 } })).toEqual({ smoke: 6 })
    expect(await of({ effort: { ...own, methods: ['idlg'] } })).toEqual({})
    const beside = report.rows.map((row) => ({ ...row, clients: 8 }))
    expect(await of({ rows: [...report.rows, ...toldAmong(9, beside)] })).not.toEqual({})
    expect(await of({ rows: toldAmong(10, report.rows) })).not.toEqual({})
    expect(await of({ rows: toldAmong(9, report.rows) })).toEqual({})
  })

  it('is refused where recognition could not be high, however many records are asked for', async () => {
    const { report } = await reportWith()
    const few = { ...report, rows: toldAmong(9, report.rows) }
    const signed = signReport(few, KEY.privateKey)
    for (const budget of ['smoke', 'standard'] as const) {
      const risk = reportedRisk(signed, { ...demand, least: { budget, records: 1 } })
      await expect(risk).rejects.toMatchObject({
        code: 'audit/too-weak',
        message: expect.stringMatching(/about 6 records, each told among 9/) as string,
      })
    }
    // A gate says so in the limitations of its own report.
    expect(await reportedRisk(signed, demand)).toMatchObject({ obstacles: [], effort: {} })
  })

  it('is refused where labels could not be elevated, by who takes no elevated risk', async () => {
    const labelRecovery = { ...(await reportWith()).report.rows[0]!.labelRecovery }
    const of = async (leastPValue: number, most: AuditLevel) =>
      reportedRisk(
        await reportWith([{ ...OWN, labelRecovery: { ...labelRecovery, leastPValue } }]),
        { ...demand, least: { budget: 'standard', records: 1, most } },
      )
    await expect(of(0.01, 'not-demonstrated')).rejects.toMatchObject({
      code: 'audit/too-weak',
      message: expect.stringMatching(/about 6 records: labels would not be/) as string,
    })
    await of(0.01, 'elevated')
    await of(0.0099, 'not-demonstrated')
  })

  it.each([
    ['calibration', { calibration: { name: 'ccvr', when: 'final' } }],
    ['diagnostics', { evaluation: { diagnostics: {} } }],
  ])('says nothing of %s, and names it before the keys that differ', async (key, change) => {
    const config = recordedConfigSchema.parse({ ...CONFIG, rounds: 0, ...change }) as RunConfig
    for (const other of [{}, { updates: [] }]) {
      const risk = reportedRisk(await reportWith(), { ...demand, config: { ...config, ...other } })
      await expect(risk).rejects.toMatchObject({
        code: 'audit/stale',
        message: expect.stringMatching(new RegExp(`${key}.*no audit attacks`)) as string,
      })
    }
  })

  it('is refused under other settings than were signed, also with their hash', async () => {
    const { report, signature } = await reportWith()
    const settings = { ...report.settings, updates: [] }
    const moved = { report: { ...report, settings }, signature }
    await expect(reportedRisk(moved, demand)).rejects.toMatchObject({ code: 'audit/bad-report' })
    const signed = signReport(moved.report, KEY.privateKey)
    await expect(reportedRisk(signed, demand)).rejects.toMatchObject({ code: 'audit/bad-report' })
  })

  it('is refused where no key is trusted', async () => {
    const risk = reportedRisk(await reportWith(), { ...demand, trustedKeys: [] })
    await expect(risk).rejects.toMatchObject({ code: 'audit/not-trusted' })
  })
})
