import { describe, expect, it } from 'vitest'
import type { CellResult } from './cell-result.js'
import { gainText, tableText } from './table-text.js'
import { studyTables } from './table.js'

const cell = (
  variant: string,
  seed: number,
  metrics: Record<string, number>,
  change: Partial<CellResult> = {},
): CellResult => ({
  ...{ format: 1, study: 's', setting: 'reference', variant, seed, version: '1' },
  ...{ configHash: 'c' as never, modelHash: null, curve: {}, measure: 'accuracy', metrics },
  engine: { backend: 'wasm', version: 'tfjs', threads: 1 },
  ...{ rounds: 2, bytesUp: 1000, bytesDown: 3000, seconds: 4 },
  ...change,
})

const OF_BASE = { base: 'base', baseline: null }

describe('the table of a study', () => {
  it('gives mean and sample spread of every variant, and the gain of the base seed by seed', () => {
    const [table] = studyTables(
      [
        cell('base', 0, { accuracy: 0.8 }),
        cell('base', 1, { accuracy: 0.7 }),
        cell('base', 2, { accuracy: 0.9 }),
        cell('other', 0, { accuracy: 0.7 }),
        cell('other', 1, { accuracy: 0.68 }),
        cell('other', 2, { accuracy: 0.6 }),
      ],
      OF_BASE,
    )
    const [base, other] = table!.rows
    // 0.8; deviations 0, −0.1, 0.1: √(0.02 / 2) = 0.1.
    expect(base!.value).toEqual({ mean: near(0.8), spread: near(0.1), count: 3 })
    expect(base!.gain).toBeNull()
    // 1.98 / 3; deviations 0.04, 0.02, −0.06: √(0.0056 / 2).
    expect(other!.value).toEqual({ mean: near(0.66), spread: near(Math.sqrt(0.0028)), count: 3 })
    // Differences 0.1, 0.02, 0.3: mean 0.14; deviations −0.04, −0.12, 0.16: √(0.0416 / 2). Unpaired it would be √0.0128.
    expect(other!.gain).toEqual({ mean: near(0.14), spread: near(Math.sqrt(0.0208)), count: 3 })
  })

  it('pairs only seeds that both have, whatever their order', () => {
    const [table] = studyTables(
      [
        cell('base', 1, { accuracy: 0.5 }),
        cell('base', 0, { accuracy: 0.9 }),
        cell('other', 0, { accuracy: 0.6 }),
        cell('other', 7, { accuracy: 0.1 }),
      ],
      OF_BASE,
    )
    expect(table!.rows[1]!.gain).toEqual({ mean: near(0.3), spread: null, count: 1 })
  })

  it('keeps settings apart', () => {
    const tables = studyTables(
      [
        cell('base', 0, { accuracy: 0.9 }),
        cell('other', 0, { accuracy: 0.8 }),
        cell('base', 0, { accuracy: 0.5 }, { setting: 'alike' }),
        cell('other', 0, { accuracy: 0.75 }, { setting: 'alike' }),
      ],
      OF_BASE,
    )
    expect(tables.map(({ setting, rows }) => [setting, rows[1]?.gain?.mean])).toEqual([
      ['reference', near(0.1)],
      ['alike', -0.25],
    ])
  })

  it('knows no spread of one seed, no gain without the base and nothing where nothing was measured', () => {
    const results = [cell('one', 0, { accuracy: 0.5 }), cell('two', 0, { loss: 3 })]
    const [table] = studyTables(results, OF_BASE)
    expect(table!.rows[0]).toMatchObject({ value: { mean: 0.5, spread: null }, gain: null })
    expect(table!.rows[1]).toMatchObject({ value: null, gain: null })
    expect(tableText(table!)).toEqual({
      head: ['variant', 'accuracy', 'seeds', 'up', 'down', 'seconds'],
      rows: [
        ['one', '50.00 % ± –', '1', '1.00 kB', '3.00 kB', '4.0'],
        ['two', '–', '1', '1.00 kB', '3.00 kB', '4.0'],
      ],
    })
  })

  it('shows the worst and the best served client where clients scored the model', () => {
    const ends = (low: number, high: number) => ({
      ...{ 'federated/lowestAccuracy': low, 'federated/highestAccuracy': high },
      'federated/accuracy': 0.6,
    })
    const measure = 'federated/accuracy'
    const [table] = studyTables(
      [
        cell('base', 0, ends(0.3, 0.9), { measure, bytesUp: 2000 }),
        cell('base', 1, ends(0.5, 1), { measure, bytesUp: 5000, seconds: 9 }),
      ],
      OF_BASE,
    )
    expect(tableText(table!)).toEqual({
      head: [
        ...['variant', 'federated/accuracy', 'seeds', 'lowest client', 'highest client'],
        ...['up', 'down', 'seconds'],
      ],
      rows: [['base', '60.00 % ± 0.00 %', '2', '40.00 %', '95.00 %', '3.50 kB', '3.00 kB', '6.5']],
    })
  })

  it('over a baseline gives the gain of every other variant, seed by seed, before everything else', () => {
    const [table] = studyTables(
      [
        cell('start', 0, { accuracy: 0.5 }),
        cell('start', 1, { accuracy: 0.75 }),
        cell('better', 0, { accuracy: 0.625 }),
        cell('better', 1, { accuracy: 0.75 }),
        cell('base', 0, { accuracy: 0.25 }),
      ],
      { base: 'base', baseline: 'start' },
    )
    const { head, rows } = tableText(table!)
    expect(head).toEqual([
      ...['variant', 'accuracy', 'gain over start', 'seeds', 'up', 'down', 'seconds'],
    ])
    // Gains 0.125 and 0: mean 0.0625, spread 0.125 / √2.
    expect(rows.map((row) => row[2])).toEqual(['–', '+6.25 ± 8.84 points', '-25.00 ± – points'])
    expect(table!.baseline).toBe('start')
  })

  it('has no column of gains where the baseline is not there', () => {
    const [table] = studyTables([cell('other', 0, { accuracy: 0.5 })], {
      ...{ base: 'base', baseline: 'start' },
    })
    expect(tableText(table!).head).not.toContain('gain over start')
  })

  describe('with calibrations', () => {
    const recalls = (accuracy: number, cat: number, dog: number) => ({
      ...{ accuracy, 'recall/cat': cat, 'recall/dog': dog },
    })
    const calibrated = (
      variant: string,
      seed: number,
      [before, after]: readonly [Record<string, number>, Record<string, number>],
    ): CellResult => cell(variant, seed, after, { calibration: { rounds: [1], before } })
    const trained = [
      cell('fedavg', 0, recalls(0.5, 0.9, 0.1)),
      cell('fedavg', 1, recalls(0.75, 0.5, 1)),
    ]
    const ccvr = [
      calibrated('ccvr', 0, [recalls(0.5, 0.9, 0.1), recalls(0.625, 0.75, 0.5)]),
      calibrated('ccvr', 1, [recalls(0.75, 0.5, 1), recalls(0.75, 0.7, 0.8)]),
    ]
    const over = { base: 'fedavg', baseline: 'fedavg' }

    it('shows the model before and after, and the class that is recognised worst', () => {
      const [table] = studyTables([...trained, ...ccvr], over)
      const { head, rows } = tableText(table!)
      expect(head.slice(0, 7)).toEqual([
        ...['variant', 'before', 'accuracy', 'gain over fedavg', 'worst before'],
        ...['worst class', 'seeds'],
      ])
      expect(rows.map((row) => row.slice(0, 6))).toEqual([
        ['fedavg', '–', '62.50 % ± 17.68 %', '–', '–', '30.00 %'],
        ['ccvr', '62.50 %', '68.75 % ± 8.84 %', '+6.25 ± 8.84 points', '30.00 %', '60.00 %'],
      ])
    })

    it('says what a calibration added where that is not the gain over the baseline', () => {
      const other = calibrated('fedprox-ccvr', 0, [
        recalls(0.5625, 0.5, 0.625),
        recalls(0.75, 0.75, 0.75),
      ])
      const [table] = studyTables([...trained, ...ccvr, other], over)
      const { head, rows } = tableText(table!)
      const at = head.indexOf('gain over before')
      expect(rows.map((row) => row.slice(at - 1, at + 1))).toEqual([
        ['–', '–'],
        ['+6.25 ± 8.84 points', '+6.25 ± 8.84 points'],
        ['+25.00 ± – points', '+18.75 ± – points'],
      ])
      // Without a baseline there is nothing else that says it.
      const [plain] = studyTables(ccvr, OF_BASE)
      expect(tableText(plain!).head).toContain('gain over before')
    })

    it('takes the worst class of the examples that the measure is of', () => {
      const metrics = { 'recall/cat': 0.1, 'federated/recall/cat': 0.4, 'federated/accuracy': 0.5 }
      const [table] = studyTables(
        [
          cell('ccvr', 0, metrics, {
            measure: 'federated/accuracy',
            calibration: { rounds: [1], before: { 'federated/accuracy': 0.25 } },
          }),
        ],
        OF_BASE,
      )
      expect(table!.rows[0]).toMatchObject({ worstBefore: null, worstClass: 0.4 })
      expect(table!.rows[0]?.calibrationGain?.mean).toBe(0.25)
    })
  })

  it('writes gains with their sign: shares in percentage points, others as they are', () => {
    expect(gainText('accuracy', { mean: 0.1134, spread: 0.02, count: 3 })).toBe(
      '+11.34 ± 2.00 points',
    )
    expect(gainText('accuracy', { mean: -0.04, spread: null, count: 1 })).toBe('-4.00 ± – points')
    expect(gainText('accuracy', { mean: -0.00004, spread: 0.01, count: 2 })).toBe(
      '0.00 ± 1.00 points',
    )
    expect(gainText('loss', { mean: -0.5, spread: 0.25, count: 2 })).toBe('-0.5000 ± 0.2500')
  })
})

const near = (value: number): number => expect.closeTo(value, 12) as number
