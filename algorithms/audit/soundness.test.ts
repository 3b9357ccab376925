import { describe, expect, it } from 'vitest'
import { auditGate } from '#protocol/audit-config.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { madeUpAudit, OPEN, QUIET, type MadeUpRow } from '#testing/made-up-audit.js'
import { BUDGETS } from './run/budgets.js'
import { judgementOf, obstaclesOf, outOfReach, toldOn } from './soundness.js'

const CLIP = [{ name: 'clip', norm: 1 }]
const FAILED = OPEN.slice(0, 3).map(({ name }) => ({ name, psnr: null, note: 'Failed: no luck' }))

async function reportOf(...rows: readonly MadeUpRow[]): Promise<AuditReport> {
  return structuredClone((await madeUpAudit({}, rows)).report)
}
const withoutPlacebos = (report: AuditReport, row: number): AuditReport => {
  const kept = report.rows[row]!.controls.filter(({ name }) => name !== 'placebo')
  report.rows[row]!.controls = kept
  return report
}

describe('what takes the worth from an audit', () => {
  it('is nothing where attacks and a placebo came to a result', async () => {
    expect(await obstaclesOf(await reportOf(QUIET))).toEqual([])
    expect(await obstaclesOf(await reportOf({ methods: OPEN }))).toEqual([])
  })

  it('is a placebo that tells records', async () => {
    const report = await reportOf({ ...QUIET, placeboHits: 5 })
    expect(await obstaclesOf(report)).toEqual([expect.stringContaining('more often than chance')])
  })

  it('is that every attack failed or was left out, with the reasons', async () => {
    const [obstacle, ...others] = await obstaclesOf(await reportOf({ ...QUIET, methods: FAILED }))
    expect(others).toEqual([])
    expect(obstacle).toMatch(
      /^On row row-\w+ no attack came to a result, so nothing was tested: analytic: Failed: no luck; /,
    )
  })

  it('is that no attack was made at all', async () => {
    const because = 'not demonstrated. On 6 of 6 batches nothing was tried: no signal'
    const report = withoutPlacebos(await reportOf({ ...QUIET, methods: [], because }), 0)
    expect(await obstaclesOf(report)).toEqual([
      expect.stringMatching(/nothing was tested: .*no signal$/),
    ])
  })

  it('is an attack without any placebo, on one of the rows that decide', async () => {
    const rows = [QUIET, { ...QUIET, batchSize: 4 }]
    expect(await obstaclesOf(withoutPlacebos(await reportOf(...rows), 1))).toEqual([
      expect.stringContaining('no placebo came to a result'),
    ])
  })

  it('is not what rows lack that do not decide', async () => {
    const report = await reportOf(QUIET, { ...QUIET, methods: FAILED, updates: CLIP })
    expect(await obstaclesOf(withoutPlacebos(report, 1))).toEqual([])
  })
})

describe('what recognition can reach', () => {
  it.each([
    // Telling 1 of 1 is at least 2.5 %, 2 of 2 at least 15.8 %.
    [{ of: 1, candidates: 100 }, ['high']],
    [{ of: 1, candidates: 39 }, ['high', 'elevated']],
    [{ of: 2, candidates: 32 }, []],
    [{ of: 2, candidates: 31 }, ['high']],
    [{ of: 20, candidates: 5 }, ['high']],
  ] as const)('%j: not %j', async (told, levels) => {
    expect(await outOfReach(told)).toEqual(levels)
  })
  it('is a high risk for the fewest records that a gate takes, with every budget', async () => {
    expect(() => auditGate.parse({ count: 1 })).toThrow()
    for (const { batches } of Object.values(BUDGETS))
      expect(await outOfReach({ of: Math.min(2, batches), candidates: 48 })).toEqual([])
  })
  it('follows from the controls of a row, or from its attacks', async () => {
    const [row] = (await reportOf(QUIET)).rows
    expect(toldOn(row!)).toMatchObject({ of: 6, candidates: 100 })
    expect(toldOn({ ...row!, controls: [] })).toMatchObject({ of: 6, candidates: 100 })
    expect(toldOn({ controls: [], methods: [] })).toBeNull()
  })
})

describe('thresholds of a report', () => {
  const LENIENT = {
    ...{ ...DEFAULT_THRESHOLDS, certainGain: 90, highGain: 90, elevatedGain: 90 },
    ...{ highIdentification: 90, elevatedIdentification: 90, labelPValue: 1e-9 },
  }
  it('do not lower what it comes to', async () => {
    const report = { ...(await reportOf({ methods: OPEN })), thresholds: LENIENT }
    const { verdict, laxities, strictnesses } = await judgementOf(report)
    expect([verdict.level, strictnesses]).toEqual(['high', []])
    expect(laxities).toEqual([
      expect.stringMatching(
        /^By the report’s own thresholds the verdict is not demonstrated, by the usual ones it is high: GIFD told/,
      ),
    ])
  })
  it('do not make it sound', async () => {
    const thresholds = { ...DEFAULT_THRESHOLDS, placeboPValue: 1e-12 }
    const report = { ...(await reportOf({ ...QUIET, placeboHits: 5 })), thresholds }
    expect(await obstaclesOf(report)).toEqual([])
    const { obstacles, laxities } = await judgementOf(report)
    expect(obstacles).toHaveLength(1)
    expect(laxities).toEqual([expect.stringMatching(/^By the usual thresholds the audit is void/)])
  })
  it('can raise it', async () => {
    const thresholds = { ...DEFAULT_THRESHOLDS, elevatedGain: 0.1, highGain: 1, certainGain: 1 }
    const latent = { ...OPEN[1]!, hits: 0 }
    const report = { ...(await reportOf({ methods: [latent] })), thresholds }
    const { verdict, laxities, strictnesses } = await judgementOf(report)
    expect([verdict.level, laxities]).toEqual(['high', []])
    expect(strictnesses).toEqual([
      expect.stringMatching(/own thresholds the verdict is high, by the usual ones it is elevated/),
    ])
  })
  it('are not worth a word where they are the usual ones', async () => {
    const { laxities, strictnesses } = await judgementOf(await reportOf({ methods: OPEN }))
    expect([laxities, strictnesses]).toEqual([[], []])
  })
})
