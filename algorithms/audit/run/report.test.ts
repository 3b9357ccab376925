import { describe, expect, it } from 'vitest'
import { auditReportSchema } from '#protocol/audit-report.js'
import { settingsHash, settingsOf } from '#protocol/audit-settings.js'
import { contradictionsIn } from '#algorithms/audit/recheck.js'
import { MADE_META, madeResults, madeScore, tinyAudit, tinyRun } from '#testing/tiny-audit.js'
import { BUDGETS } from './budgets.js'
import { cellResultSchema, type CellResult } from './cell-result.js'
import { effortOf, reportOf } from './report.js'

const spec = tinyAudit({
  records: { data: { name: 'synthetic' }, count: 3, candidates: 6, basis: 'canary' },
})
const reported = (change?: (result: CellResult) => CellResult) =>
  reportOf(spec, madeResults(spec, change), MADE_META)

describe('the report of an audit', () => {
  it('A23: is valid by its schema, agrees with itself, and holds only finite numbers', async () => {
    const report = await reported()
    const text = JSON.stringify(report)
    expect(auditReportSchema.parse(JSON.parse(text))).toEqual(report)
    expect(text).not.toContain('NaN')
    expect(await contradictionsIn(report)).toEqual([])
  })

  it('A23: is refused by its schema with a number that is not finite', async () => {
    const report = await reported()
    report.rows[0]!.methods[0]!.matchLoss = Number.NaN
    expect(auditReportSchema.safeParse(report).success).toBe(false)
    report.rows[0]!.methods[0]!.matchLoss = Infinity
    expect(auditReportSchema.safeParse(report).success).toBe(false)
  })

  it('names data without the path of files', async () => {
    const files = { name: 'images', path: '/home/someone/photos:size=8' }
    const [records, auxiliary] = [spec.records, spec.auxiliary]
    const own: typeof spec = {
      ...spec,
      records: { ...records, data: { ...records.data, ...files } },
      auxiliary: { ...auxiliary, ...files, path: '/home/someone/others' },
    }
    const report = await reportOf(own, madeResults(own), MADE_META)
    expect(JSON.stringify(report)).not.toContain('someone')
    expect(report.records.description).toBe('images: all of it, after one seeded shuffle')
  })

  it('calls no labels certain where the transforms of a row add noise', async () => {
    const noise = [{ name: 'gaussian-noise', stddev: 0.1 }]
    const updates = [[], [{ name: 'clip', norm: 1 }], noise]
    const noisy = tinyAudit({ rows: updates.map((one) => ({ updates: one })) })
    const results = madeResults(noisy, (result) => ({
      ...result,
      labels: { ...result.labels, rule: 'bias', isCertain: true },
    }))
    const { rows } = await reportOf(noisy, results, MADE_META)
    expect(rows.map(({ labelRecovery }) => labelRecovery.certain)).toEqual([1, 1, 0])
  })

  it('says that of adaptivity only the worst case is played', async () => {
    const { threatModel } = await reported()
    const knob = threatModel.find(({ knob }) => knob === 'adaptivity')
    expect(knob?.value).toMatch(/^worst case only: knows every transform with its options/)
  })

  it('tells every record in order, over the best control', async () => {
    const { rows } = await reported()
    const [row] = rows
    expect(row?.records).toBe(3)
    const chosen = row?.methods[0]?.chosen
    expect(chosen?.psnr).toMatchObject({ median: 21, max: 22, values: [20, 21, 22] })
    // The class mean has 12 dB of each.
    expect(chosen?.gain).toMatchObject({ mean: 9, median: 9, max: 10 })
    expect(chosen?.sameClass).toMatchObject({ hits: 3, of: 3, candidates: 4 })
    expect(row?.methods[0]?.curve.map(([at]) => at)).toEqual([0, 25])
    expect(row?.methods[0]?.curve[1]?.[1]).toBeCloseTo(0.1, 9)
    expect(row?.controls.map(({ name, method }) => [name, method])).toEqual([
      ...[
        ['class-mean', null],
        ['placebo', 'ig'],
      ],
    ])
    expect(row?.verdict).toBe('certain')
  })

  it('counts only batches for which a method has an answer, and says so', async () => {
    const { rows } = await reported((result) =>
      result.batch === 0 ? { ...result, methods: failed(result) } : result,
    )
    const [method] = rows[0]!.methods
    expect(method?.chosen?.psnr.values).toEqual([21, 22])
    expect(method?.note).toBe('Over 2 of 3 batches. Failed: no luck')
  })

  it('keeps a method without any answer, with the reason', async () => {
    const { rows } = await reported((result) => ({ ...result, methods: failed(result) }))
    expect(rows[0]!.methods[0]).toMatchObject({ chosen: null, note: 'Failed: no luck', stages: [] })
  })

  it('names the stage that was chosen most often, and the one that was best in truth', async () => {
    const { rows } = await reported((result) => ({
      ...result,
      methods: result.methods.map((method) => ({
        ...method,
        stageChosen: result.batch === 0 ? 0 : 1,
        stages: [
          { stage: 0, matchLoss: 0.3, scores: [madeScore(18)] },
          { stage: 1, matchLoss: 0.1, scores: [madeScore(result.batch === 2 ? 17 : 19)] },
        ],
      })),
    }))
    expect(rows[0]!.methods[0]).toMatchObject({ stageChosen: 1, stageOracle: 1, oraclePsnr: 19 })
    expect(rows[0]!.methods[0]!.stages).toMatchObject([
      { stage: 0, psnr: 18 },
      { stage: 1, psnr: 19 },
    ])
  })

  it('tells stages and the noise floor over the batches that got there, by features too', async () => {
    const featured = (psnr: number) => ({
      ...madeScore(psnr, 4),
      auxiliary: { distance: 0.1, sameClass: 1 },
    })
    const { rows } = await reported((result) => {
      const guess = madeScore(10 + result.batch)
      const late = { matchLoss: 0.1, scores: [featured(20)] }
      const early = { stage: 0, matchLoss: 0.3, scores: [featured(18)] }
      const isStuck = result.batch === 1
      return {
        ...result,
        controls: [{ name: 'class-mean', method: null, scores: [guess] }],
        methods: result.methods.map((method) => ({
          ...method,
          stages: isStuck ? [early] : [early, { stage: 1, ...late }],
          atFloor: isStuck ? null : late,
        })),
      }
    })
    const { stages, atFloor } = rows[0]!.methods[0]!
    expect(stages.map(({ stage, sameClass }) => [stage, sameClass.of])).toEqual([
      [0, 3],
      [1, 2],
    ])
    for (const stop of [stages[1], atFloor]) {
      // Of the batches 0 and 2, whose guesses have 10 and 12 dB.
      expect(stop?.gain).toEqual({ median: 9, max: 10 })
      expect(stop?.sameClass).toMatchObject({ hits: 0, of: 2 })
      expect(stop?.auxiliarySameClass).toMatchObject({ hits: 2, of: 2 })
    }
  })

  it('says nothing about a model when placebos identify records', async () => {
    expect((await reported()).isSound).toBe(true)
    const broken = await reported((result) => ({
      ...result,
      candidates: { anyClass: 100, sameClass: 100 },
      controls: result.controls.map((control) => ({
        ...control,
        scores: control.name === 'placebo' ? [madeScore(25, 1)] : control.scores,
      })),
    }))
    expect(broken.isSound).toBe(false)
  })

  it('says nothing about a model when placebos identify records by features', async () => {
    const of = (placeboRank: number) =>
      reported((result) => ({
        ...result,
        candidates: { anyClass: 100, sameClass: 100 },
        controls: result.controls.map((control) => {
          const sameClass = control.name === 'placebo' ? placeboRank : 50
          const auxiliary = { distance: 1, sameClass }
          return { ...control, scores: control.scores.map((one) => ({ ...one, auxiliary })) }
        }),
      }))
    const { rows, isSound } = await of(1)
    const controls = rows[0]!.controls.map(({ name, auxiliarySameClass }) => [
      ...[name, auxiliarySameClass?.hits],
    ])
    expect(controls).toEqual([
      ['class-mean', 0],
      ['placebo', 3],
    ])
    expect(isSound).toBe(false)
    expect((await of(50)).isSound).toBe(true)
  })

  it('says when there was nothing to try', async () => {
    const { rows, isSound } = await reported((result) => ({
      ...{ ...result, untried: 'no signal: the update is 0, so it tells nothing' },
      ...{ methods: [], controls: [] },
      labels: { ...result.labels, inferred: [0] },
    }))
    expect(rows[0]).toMatchObject({ verdict: 'not-demonstrated', methods: [] })
    expect(rows[0]?.because).toContain(
      'On 3 of 3 batches nothing was tried: no signal: the update is 0',
    )
    expect(isSound).toBe(false)
  })

  it('does not call itself sound where no placebo came to a result, or no attack', async () => {
    const isSound = async (change: (result: CellResult) => Partial<CellResult>) =>
      (await reported((result) => ({ ...result, ...change(result) }))).isSound
    const guesses = ({ controls }: CellResult) => controls.filter(({ name }) => name !== 'placebo')
    expect(await isSound((result) => ({ controls: guesses(result) }))).toBe(false)
    expect(await isSound((result) => ({ methods: failed(result) }))).toBe(false)
    // Of one batch is enough.
    expect(
      await isSound((result) => (result.batch === 0 ? {} : { controls: guesses(result) })),
    ).toBe(true)
  })

  it('judges a run by the rows that are as it is configured', async () => {
    const clip = [{ name: 'clip', norm: 0.5 }]
    const defended = tinyAudit(
      { rows: [{ batchSize: 1, updates: [] }, { batchSize: 1 }] },
      tinyRun({ updates: clip }),
    )
    const results = madeResults(defended, (result) =>
      result.row === 0
        ? result
        : {
            ...result,
            labels: { ...result.labels, inferred: [0] },
            methods: result.methods.map((method) => ({
              ...method,
              ...{ chosen: [madeScore(11, 4)], stages: [] },
            })),
          },
    )
    const report = await reportOf(defended, results, MADE_META)
    expect(report.rows.map(({ verdict }) => verdict)).toEqual(['certain', 'not-demonstrated'])
    expect(report.verdict).toBe('not-demonstrated')
    expect(report.rows[1]?.defence).toBe('clipped to an L2 norm of 0.5')
  })

  it('tells how hard the attacks tried, whatever the name of the budget', async () => {
    expect((await reported()).effort).toEqual({
      ...{ methods: ['ig'], iterations: 5, restarts: 1, isAsBudget: false },
    })
    const whole = { ...spec, methods: null, budget: BUDGETS.standard.attack }
    const report = await reportOf(whole, madeResults(whole), MADE_META)
    expect(report.effort).toEqual({
      ...{ methods: null, iterations: 150, restarts: 5, isAsBudget: true },
    })
    expect(effortOf({ ...whole, budgetName: 'thorough' }).isAsBudget).toBe(false)
    expect(effortOf({ ...whole, budgetName: 'smoke' }).isAsBudget).toBe(true)
  })

  it('tells the noise floor where cells do, and the seed of the run', async () => {
    const floors = [0.1, null, 0.3]
    const { rows, runSeed } = await reported((result) => ({
      ...result,
      floor: floors[result.batch]!,
    }))
    expect(rows[0]!.floor).toBeCloseTo(0.2, 12)
    expect(runSeed).toBe(spec.run.seed)
    // Cells of before the floor was kept.
    expect(cellResultSchema.parse(madeResults(spec)[0])).not.toHaveProperty('floor')
    expect((await reported()).rows[0]!.floor).toBeNull()
  })

  it('calls no generator informative that nobody measured', async () => {
    const generator = {
      ...{ name: 'mine', hash: 'b'.repeat(64) as CellResult['key'], trainedOn: 'other pictures' },
      ...{ projection: null, tellsRecords: true },
    }
    const facts = { ...MADE_META.facts, generator }
    const report = await reportOf(spec, madeResults(spec), { ...MADE_META, facts })
    expect(report.generator?.isInformative).toBeNull()
    const projection = { latent: 20, stages: 25, classMean: 12 }
    const measured = { ...facts, generator: { ...generator, projection } }
    const other = await reportOf(spec, madeResults(spec), { ...MADE_META, facts: measured })
    expect(other.generator?.isInformative).toBe(true)
  })

  it('tells what it is about, and what limits it', async () => {
    const report = await reported((result) => ({ ...result, remarks: ['A remark on the model'] }))
    expect(report.settings).toEqual(settingsOf(spec.run))
    expect(report.settingsHash).toBe(settingsHash(report.settings))
    expect(report.limitations).toContain('A remark on the model')
    expect(report.limitations.join(' ')).toContain('no generator')
    expect(report.pictures).toBeNull()
  })

  it('says of how many records of a client it speaks at least', async () => {
    const about = async (...rows: readonly object[]): Promise<string> => {
      const own = tinyAudit({ rows })
      return (await reportOf(own, madeResults(own), MADE_META)).limitations.join()
    }
    const beside = { batchSize: 1, updates: [{ name: 'clip', norm: 1 }] }
    expect(await about({ batchSize: 2 }, beside)).toContain('clients with 2 records or more')
    expect(await about({ batchSize: 2 }, { batchSize: 1 })).not.toContain('records or more')
  })

  it('names what clients of the run send beside the update', async () => {
    const run = tinyRun({ calibration: { name: 'ccvr', when: 'final' } })
    const { limitations, settings } = await reportOf(
      { ...spec, run },
      madeResults({ ...spec, run }),
      MADE_META,
    )
    expect(limitations).toContainEqual(
      expect.stringMatching(/^The calibration ccvr .*no audit attacks/),
    )
    expect(settings).toEqual(settingsOf(spec.run))
    expect((await reported()).limitations.join()).not.toContain('no audit attacks')
  })

  it('is limited by few records, and tells its effort only once', async () => {
    const { limitations } = await reported()
    const text = limitations.join('\n')
    expect(text).not.toMatch(/asked for|shortened/)
    // 3 of 3 is at least 29 %, of which 4 candidates allow 25 % by chance.
    expect(text).toContain(
      'with 3 records, each told among 4 of its class, recognition cannot reach high, even',
    )
    // 3 of 3 labels of two classes are guessed one time in eight.
    expect(text).toContain('with 3 records labels cannot reach elevated, even')
    expect(text).toContain('p 0.13.')
    const classes = await reported((result) => ({
      ...result,
      labels: { ...result.labels, shares: Array<number>(10).fill(0.1) },
    }))
    expect(classes.limitations.join()).not.toContain('labels cannot reach')
    const many = await reported((result) => ({
      ...result,
      candidates: { anyClass: 100, sameClass: 100 },
    }))
    expect(many.limitations.join()).not.toContain('recognition cannot reach')
  })

  it('counts the records of pictures over all batches of a row', async () => {
    const picture = { truth: 'data:image/png;base64,AA', reconstructions: [] }
    const report = await reportOf(
      spec,
      madeResults(spec, (result) => ({ ...result, pictures: [{ record: 0, ...picture }] })),
      { ...MADE_META, retainUntil: '2030-01-01' },
    )
    expect(report.pictures?.byRow[0]?.pictures.map(({ record }) => record)).toEqual([0, 1, 2])
  })

  it('is not made while a cell is missing', async () => {
    await expect(reportOf(spec, madeResults(spec).slice(1), MADE_META)).rejects.toThrow(
      /Batch 0 of row 0 has no result/,
    )
  })
})

const failed = ({ methods }: CellResult): CellResult['methods'] =>
  methods.map((method) => ({
    ...method,
    ...{ chosen: null, stageChosen: null, stages: [], matchLoss: null, curve: [] },
    note: 'Failed: no luck',
  }))
