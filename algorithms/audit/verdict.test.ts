import { describe, expect, it } from 'vitest'
import type { AuditControl, AuditMethodResult, AuditRow } from '#protocol/audit-report.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { identificationOf } from './metrics/identification.js'
import { spreadOf } from './metrics/spread.js'
import { isPlaceboAtChance, verdictOfRow, type JudgedRow } from './verdict.js'

interface Claims {
  readonly name?: string
  readonly residual?: number
  readonly hits?: number
  readonly of?: number
  readonly median?: number
  readonly max?: number
}
const told = (hits: number, of: number) =>
  identificationOf(
    Array.from({ length: of }, (_, i) => (i < hits ? 1 : 50)),
    100,
  )

/** What a method could have come to, all of it in one stage. */
async function claimed(claims: Claims): Promise<AuditMethodResult> {
  const { name = 'gifd', residual = null, hits = 0, of = 6, median = 0, max = 0 } = claims
  const sameClass = await told(hits, of)
  return {
    ...{ name, residual, note: null, atFloor: null, stageChosen: 0, stageOracle: 0 },
    chosen: {
      ...{ psnr: spreadOf([12]), ssim: spreadOf([0.5]), auxiliaryDistance: null },
      ...{ anyClass: sameClass, sameClass, auxiliarySameClass: null },
      gain: { mean: median, median, max, interval: [median, median] },
    },
    stages: [
      {
        stage: 0,
        psnr: 12,
        matchLoss: 0.1,
        gain: { median, max },
        sameClass,
        auxiliarySameClass: null,
      },
    ],
    ...{ oraclePsnr: 12, matchLoss: 0.1, curve: [], iterations: 1, gradientEvaluations: 1 },
    seconds: 1,
  }
}
const NO_LABELS: AuditRow['labelRecovery'] = {
  ...{ rate: 0.5, exact: 0, chance: 0.5, pValue: 0.6, leastPValue: 1e-4 },
  ...{ rules: ['bias'], certain: 0, others: [] },
}
const rowOf = (row: Partial<JudgedRow>): JudgedRow => ({
  methods: [],
  labelRecovery: NO_LABELS,
  ...row,
})
const placebo = async (
  hits: number,
  of: number,
  byFeatures: number | null = null,
): Promise<AuditControl> => ({
  ...{ name: 'placebo', method: 'gifd', psnr: spreadOf([10]) },
  ...{ anyClass: await told(of, of), sameClass: await told(hits, of) },
  auxiliarySameClass: byFeatures === null ? null : await told(byFeatures, of),
})

const judged = (...methods: readonly AuditMethodResult[]) =>
  verdictOfRow(rowOf({ methods: [...methods] }))
const level = async (claims: Claims) => judged(await claimed(claims)).level

describe('the verdict on a row', () => {
  it('the analytic leak is certain, however bad its pictures are', async () => {
    const method = await claimed({ name: 'analytic', residual: 2e-6 })
    expect(judged(method)).toEqual({
      level: 'certain',
      because:
        'the analytic leak computes a record from the update by a formula, with a relative error of 2.0e-6',
    })
    expect(await level({ name: 'analytic', residual: 1e-3 })).toBe('not-demonstrated')
  })

  it.each([
    // hits of 6 among 100, median gain, largest gain
    [6, 6.1, 7, 'certain'],
    [6, 5.9, 6.5, 'high'],
    [5, 20, 30, 'high'],
    [2, -1, 0, 'elevated'],
    [3, -1, 0, 'high'],
    [1, -1, 0, 'not-demonstrated'],
    [0, 1.1, 2, 'elevated'],
    [0, 1, 6, 'not-demonstrated'],
    [0, -5, 6.1, 'high'],
  ] as const)('%i of 6 told, gain %f, at most %f: %s', async (hits, median, max, expected) => {
    expect(await level({ hits, of: 6, median, max })).toBe(expected)
  })

  it('a batch of one record told once is not yet high', async () => {
    // 1 of 1: at least 2.5%, which is above 1/100 and below 5/100.
    expect(await level({ hits: 1, of: 1, median: 0, max: 0 })).toBe('elevated')
  })

  it('labels above chance are elevated, and only if significantly', () => {
    const row = (pValue: number, rate = 0.9) =>
      verdictOfRow(rowOf({ labelRecovery: { ...NO_LABELS, rate, exact: 0.5, pValue } }))
    expect(row(0.001)).toEqual({
      level: 'elevated',
      because: '90% of the labels were read off the update, where guessing finds 50%',
    })
    expect(row(0.02).level).toBe('not-demonstrated')
    expect(row(0.001, 0.4).level).toBe('not-demonstrated')
  })

  it('the highest method decides, and is named', async () => {
    const verdict = judged(
      await claimed({ name: 'gifd', median: 2, max: 3 }),
      await claimed({ name: 'ig', median: 1, max: 8 }),
      await claimed({ name: 'gifd-cma', median: 3, max: 4 }),
    )
    expect(verdict.level).toBe('high')
    expect(verdict.because).toBe(
      'IG came 8.0 dB closer to one record than the best guess without the update',
    )
    const elevated = judged(
      await claimed({ name: 'gifd', median: 2, max: 3 }),
      await claimed({ name: 'gifd-cma', median: 3, max: 4 }),
    )
    expect(elevated.because).toMatch(/^GIFD-CMA came 3.0 dB/)
  })

  it('a stage that goes further than the end counts, and so does stopping at the noise floor', async () => {
    const weak = await claimed({ name: 'gifd', median: -2, max: 0 })
    const strong = (await claimed({ median: 4, max: 5 })).stages
    expect(judged({ ...weak, stages: [...strong] })).toEqual({
      level: 'elevated',
      because:
        'GIFD stopped after stage 0 came 4.0 dB (median) closer to the records than the best guess without the update',
    })
    expect(judged({ ...weak, atFloor: strong[0]! }).because).toMatch(/^GIFD stopped at the noise/)
  })

  it('telling records by features counts as much as by pixels (§14.1)', async () => {
    const weak = await claimed({ hits: 0, median: -2, max: 0 })
    const featured = {
      ...weak,
      chosen: { ...weak.chosen!, auxiliarySameClass: await told(3, 6) },
    }
    expect(judged(weak).level).toBe('not-demonstrated')
    expect(judged(featured)).toMatchObject({
      level: 'high',
      because: expect.stringMatching(/^GIFD by auxiliary distance told 3 of 6 records/) as string,
    })
  })

  it('so does telling them by features at a stage, or at the noise floor', async () => {
    const weak = await claimed({ hits: 0, median: -2, max: 0 })
    const featured = { ...weak.stages[0]!, auxiliarySameClass: await told(3, 6) }
    for (const change of [{ stages: [featured] }, { atFloor: featured }]) {
      const { level, because } = judged({ ...weak, ...change })
      expect(level).toBe('high')
      expect(because).toMatch(/^GIFD stopped a.* by auxiliary distance told 3 of 6 records/)
    }
  })

  it('nothing shown is told as such, never as safety', async () => {
    const verdict = judged(
      await claimed({ name: 'ig', median: -3, max: 0 }),
      await claimed({ name: 'gifd', median: -0.25, max: 0.5, hits: 1, of: 6 }),
    )
    expect(verdict).toEqual({
      level: 'not-demonstrated',
      because:
        'not demonstrated by the 2 methods within this budget: the best median gain was -0.3 dB (GIFD); GIFD told 1 of 6 records from 99 others of the same class',
    })
    expect(verdict.because).not.toMatch(/safe|secure|private/i)
    const failed = { ...(await claimed({})), chosen: null, stages: [], note: 'no signal' }
    expect(judged(failed).because).toMatch(/^not demonstrated: no method gave a picture/)
  })

  it('thresholds move it', async () => {
    const row = rowOf({ methods: [await claimed({ median: 2, max: 4 })] })
    expect(verdictOfRow(row).level).toBe('elevated')
    expect(verdictOfRow(row, { ...DEFAULT_THRESHOLDS, elevatedGain: 3 }).level).toBe(
      'not-demonstrated',
    )
    expect(verdictOfRow(row, { ...DEFAULT_THRESHOLDS, highGain: 3 }).level).toBe('high')
  })
})

describe('the placebo', () => {
  const isAtChance = async (hits: number) => {
    const controls: AuditControl[] = [await placebo(hits, 6)]
    return isPlaceboAtChance([{ controls }])
  }
  it('is at chance where it hits no more than chance allows', async () => {
    expect(await isAtChance(0)).toBe(true)
    // p = 0.06
    expect(await isAtChance(1)).toBe(true)
    // p = 0.0015
    expect(await isAtChance(2)).toBe(false)
  })
  it('must not tell records by features either, which is a test of its own', async () => {
    const isQuiet = async (...hits: readonly (readonly [number, number | null])[]) => {
      const controls = await Promise.all(hits.map(([pixels, by]) => placebo(pixels, 6, by)))
      return isPlaceboAtChance([{ controls }])
    }
    expect(await isQuiet([0, 1])).toBe(true)
    expect(await isQuiet([0, 2])).toBe(false)
    // p = 0.0015 is small for one test in five, and not for one in eight.
    expect(await isQuiet([2, null], [0, null], [0, null], [0, null])).toBe(false)
    expect(await isQuiet([2, 0], [0, 0], [0, 0], [0, 0])).toBe(true)
  })
  it('is one of several tests where there are several', async () => {
    // Each has p = 0.0015, which is small for one test in five and not for one in ten.
    const rows = async (count: number) => {
      const controls = [await placebo(2, 6)]
      const quiet = [await placebo(0, 6)]
      return Array.from({ length: count }, (_, i) => ({
        controls: i === 0 ? controls : quiet,
      }))
    }
    expect(await isPlaceboAtChance(await rows(5))).toBe(false)
    expect(await isPlaceboAtChance(await rows(10))).toBe(true)
  })
})
