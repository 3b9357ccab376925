import { describe, expect, it } from 'vitest'
import { tinyRun } from '#testing/tiny-audit.js'
import { auditReportSchema, type AuditRow } from './audit-report.js'
import {
  coversRun,
  fewestRecords,
  decisiveRows,
  isAsConfigured,
  notAudited,
  settingsHash,
  settingsOf,
  staleKeys,
  stepsOf,
} from './audit-settings.js'

const settings = settingsOf(tinyRun())
const row = (change: Partial<AuditRow> = {}): AuditRow =>
  ({
    ...{ updates: [], batchSize: 2, localSteps: 1, modelState: 'fresh', clients: 1 },
    approximation: 'unrolled',
    ...change,
  }) as AuditRow
const DIAGNOSED = { evaluation: { central: { name: 'synthetic' }, diagnostics: {} } }
const CCVR = { name: 'ccvr', when: 'final' }
const NOISE = [{ name: 'gaussian-noise', stddev: 0.1 }]

describe('settings of a report', () => {
  it('are those that change what an update shows, and no others', () => {
    const same = [
      ...[{ name: 'other' }, { rounds: 3 }, { seed: 9 }, { cohort: { size: 4 } }],
      // Of these `notAudited` says that no report is about them.
      ...[{ calibration: CCVR }, DIAGNOSED],
    ]
    for (const change of same) {
      expect(staleKeys(settings, settingsOf(tinyRun(change)))).toEqual([])
      expect(settingsHash(settingsOf(tinyRun(change)))).toBe(settingsHash(settings))
    }
  })

  it.each([
    [['model.filters'], { model: { name: 'flat', filters: [2, 4] } }],
    [['training.batchSize'], { training: { batchSize: 3, optimizer: { learningRate: 0.5 } } }],
    [
      ['training.localEpochs'],
      { training: { localEpochs: 2, batchSize: 2, optimizer: { learningRate: 0.5 } } },
    ],
    [
      ['training.optimizer.learningRate'],
      { training: { batchSize: 2, optimizer: { learningRate: 0.25 } } },
    ],
    [['updates'], { updates: NOISE }],
    [['startFrom'], { startFrom: 'b'.repeat(64) }],
    [['method.name', 'method.mu'], { method: { name: 'fedprox' } }],
    [['task.classes'], { task: { inputShape: [8, 8, 1], classes: ['0', '1', '3'] } }],
  ])('are stale where a run differs: %j', (keys, change) => {
    const other = settingsOf(tinyRun(change))
    expect(staleKeys(settings, other)).toEqual(keys)
    expect(settingsHash(other)).not.toBe(settingsHash(settings))
  })

  it('count the steps of a client by its records', () => {
    const two = settingsOf(tinyRun({ training: { localEpochs: 2, batchSize: 4 } }))
    expect([1, 4, 5, 12].map((records) => stepsOf(two, records))).toEqual([2, 2, 4, 6])
  })
})

describe('what no audit attacks', () => {
  it.each([
    ['nothing', {}, []],
    ['a calibration', { calibration: CCVR }, [/^The calibration ccvr /]],
    ['diagnostics', DIAGNOSED, [/^evaluation\.diagnostics /]],
    [
      'both',
      { calibration: CCVR, ...DIAGNOSED },
      [/^The calibration ccvr /, /^evaluation\.diagnostics /],
    ],
  ])('is %s', (_what, change, reasons) => {
    const matching = reasons.map((reason) => expect.stringMatching(reason) as string)
    expect(notAudited(tinyRun(change))).toEqual(matching)
  })
  it('is no part of the settings in a report', () => {
    const { settings: schema } = auditReportSchema.shape
    expect(schema.safeParse(settings).success).toBe(true)
    for (const key of ['calibration', 'diagnostics'])
      expect(schema.safeParse({ ...settings, [key]: null }).success).toBe(false)
  })
})

describe('rows that are about the run', () => {
  it('have its transforms, its steps and its start, and no other client in them', () => {
    expect(isAsConfigured(row(), settings)).toBe(true)
    expect(isAsConfigured(row({ batchSize: 1 }), settings)).toBe(true)
    expect(isAsConfigured(row({ batchSize: 3, localSteps: 2 }), settings)).toBe(true)
    const others = [
      { localSteps: 2 },
      { updates: NOISE },
      { clients: 2 },
      { modelState: 'trained' as const },
    ]
    for (const change of others) expect(isAsConfigured(row(change), settings)).toBe(false)
  })

  it('decide alone, unless there are none', () => {
    const [own, defended] = [row(), row({ updates: NOISE })]
    expect(decisiveRows({ settings, rows: [defended, own] })).toEqual([own])
    expect(decisiveRows({ settings, rows: [defended] })).toEqual([defended])
  })

  it('must have one batch at most, because a client may hold no more', () => {
    expect(coversRun({ settings, rows: [row({ batchSize: 4, localSteps: 2 })] })).toBe(false)
    expect(coversRun({ settings, rows: [row({ updates: NOISE })] })).toBe(false)
    expect(coversRun({ settings, rows: [row({ batchSize: 1 })] })).toBe(true)
  })

  it('speak of clients with as many records as the smallest that decides, or more', () => {
    const [one, four] = [row({ batchSize: 1 }), row({ batchSize: 4, localSteps: 2 })]
    const other = row({ batchSize: 1, updates: NOISE })
    const weak = row({ batchSize: 1, approximation: 'one-gradient' })
    expect(fewestRecords({ settings, rows: [four, one, other] })).toBe(1)
    expect(fewestRecords({ settings, rows: [row(), other, four] })).toBe(2)
    expect(fewestRecords({ settings, rows: [weak, four] })).toBe(4)
    expect(fewestRecords({ settings, rows: [other] })).toBe(1)
  })

  it('must have been attacked through every step, unless there are too many to follow', () => {
    const covers = (localSteps: number, approximation: AuditRow['approximation']) =>
      coversRun({
        settings: settingsOf(
          tinyRun({ training: { localEpochs: localSteps, batchSize: 2, optimizer: {} } }),
        ),
        rows: [row({ localSteps, approximation })],
      })
    expect(covers(4, 'one-gradient')).toBe(false)
    expect(covers(4, 'unrolled')).toBe(true)
    expect(covers(8, 'one-gradient')).toBe(false)
    expect(covers(9, 'one-gradient')).toBe(true)
  })
})
