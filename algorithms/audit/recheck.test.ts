import { beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport } from '#protocol/audit-report.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { madeUpAudit } from '#testing/made-up-audit.js'
import { contradictionsIn } from './recheck.js'
import { verdictOfReport } from './verdict.js'

describe('a report that is checked against itself', () => {
  let report: AuditReport
  /** What is found after a change by hand. */
  const after = (change: (copy: AuditReport) => void): Promise<readonly string[]> => {
    const copy = structuredClone(report)
    change(copy)
    return contradictionsIn(copy)
  }
  beforeAll(async () => {
    report = (await madeUpAudit()).report
  })

  it('has nothing against one that follows from its rows', async () => {
    expect(await contradictionsIn(report)).toEqual([])
  })

  it('finds a verdict that was lowered, of the whole or of a row', async () => {
    expect(await after((copy) => (copy.verdict = 'not-demonstrated'))).toEqual([
      `The verdict is not-demonstrated, but the rows give ${report.verdict}`,
    ])
    const [found] = await after((copy) => (copy.rows[0]!.verdict = 'not-demonstrated'))
    expect(found).toContain(`but the methods give ${report.rows[0]!.verdict}`)
  })

  it.each<[string, (method: AuditReport['rows'][number]['methods'][number]) => void]>([
    ['a median', (method) => (method.chosen!.psnr.median -= 3)],
    ['a value', (method) => (method.chosen!.ssim.values[2] = 0)],
    ['a gain', (method) => (method.chosen!.gain.max -= 3)],
    ['a lower bound', (method) => (method.chosen!.sameClass.interval[0] = 0)],
    ['a rate', (method) => (method.chosen!.anyClass.rate = 0)],
    ['a p-value', (method) => (method.chosen!.sameClass.pValue = 1)],
    ['chance', (method) => (method.chosen!.sameClass.chance = 0.5)],
    [
      'recognition by features',
      (method) => (method.chosen!.auxiliarySameClass = { ...method.chosen!.sameClass, hits: 0 }),
    ],
    [
      'recognition by features at a stage',
      (method) =>
        (method.stages[1]!.auxiliarySameClass = { ...method.stages[1]!.sameClass, hits: 0 }),
    ],
    ['hits of a stage', (method) => (method.stages[1]!.sameClass.hits = 0)],
  ])('finds %s that was changed', async (_what, change) => {
    const found = await after((copy) =>
      change(copy.rows[0]!.methods.find(({ name }) => name === 'gifd')!),
    )
    expect(found.join('\n')).toMatch(/gifd/)
  })

  it('finds controls that were made better, which would make gains smaller', async () => {
    const found = await after((copy) => {
      const control = copy.rows[0]!.controls.find(({ name }) => name === 'class-mean')!
      control.psnr.values = control.psnr.values.map((value) => value + 5)
    })
    expect(found.some((text) => text.includes('class-mean'))).toBe(true)
    expect(found.some((text) => text.includes('the gain of gifd'))).toBe(true)
  })

  it('finds recognition by features of a placebo that was made to look like chance', async () => {
    const found = await after((copy) => {
      const placebo = copy.rows[0]!.controls.find(({ name }) => name === 'placebo')!
      placebo.auxiliarySameClass = { ...placebo.sameClass, hits: 5, rate: 0 }
    })
    expect(found).toContainEqual(expect.stringContaining('identification by placebo does not'))
  })

  it('finds a placebo that is not at chance in a report that calls itself sound', async () => {
    const { report: unsound } = await madeUpAudit({ isSound: true }, [
      { methods: [{ name: 'gifd', psnr: [10, 11, 12, 10, 11, 12] }], placeboHits: 5 },
    ])
    expect(await contradictionsIn(unsound)).toEqual([
      expect.stringMatching(/more often than chance.*, but the report calls itself sound$/),
    ])
    expect(await contradictionsIn({ ...unsound, isSound: false })).toEqual([])
  })

  it('finds a report that calls itself sound although nothing was tried', async () => {
    const { report: empty } = await madeUpAudit({ isSound: true }, [
      { methods: [{ name: 'gifd', psnr: null, note: 'Failed: no luck' }] },
    ])
    expect(await contradictionsIn(empty)).toEqual([
      expect.stringMatching(/nothing was tested.*, but the report calls itself sound$/),
    ])
  })

  it('finds an effort that is less than the budget that it claims', async () => {
    expect(await after((copy) => (copy.effort.iterations = 3))).toEqual([
      'The effort is called that of the budget standard, but it is less',
    ])
  })

  it('gates can go by their own thresholds, whatever the report was made with', () => {
    const lenient = { ...DEFAULT_THRESHOLDS, certainGain: 90, highGain: 90, elevatedGain: 90 }
    const limits = { ...lenient, highIdentification: 90, elevatedIdentification: 90 }
    const changed = { ...report, thresholds: { ...limits, labelPValue: 1e-9 } }
    expect(verdictOfReport(changed).level).toBe('not-demonstrated')
    expect(verdictOfReport(changed, DEFAULT_THRESHOLDS)).toEqual(verdictOfReport(report))
  })
})
