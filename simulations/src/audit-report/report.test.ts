import { beforeAll, describe, expect, it } from 'vitest'
import type { SignedReport } from '#protocol/audit-report.js'
import { madeUpAudit, OPEN, QUIET } from '#testing/made-up-audit.js'
import { firstRow, headings, seen } from '#testing/read-report.js'
import { auditReportPage } from './report.js'

/** A grey pixel. */
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCB'
const PICTURES = (row: string) => ({
  retainUntil: '2027-01-31',
  byRow: [
    {
      row,
      pictures: [
        {
          ...{ record: 0, truth: PIXEL },
          reconstructions: [
            { method: 'gifd', image: PIXEL, psnr: 20.5 },
            { method: 'class-mean', image: PIXEL, psnr: 12.9 },
          ],
        },
      ],
    },
  ],
})
/** A machine that does much else at a time. */
const SLOWEST = 120_000
/** What a reader of page one reads. */
const firstPage = (page: string): string => seen(page.split('<nav')[0] ?? '')

/** Of all setups, with pictures of the first; and of one row. Drawing takes longest, so that it is done once. */
let signed: SignedReport
let page: string
let single: SignedReport
beforeAll(async () => {
  const { report } = await madeUpAudit()
  signed = await madeUpAudit({ pictures: PICTURES(report.rows[0]?.id ?? '') })
  page = await auditReportPage(signed)
  single = await madeUpAudit({}, [{ methods: OPEN.slice(2, 4) }])
}, SLOWEST)

describe('page one', () => {
  it('says the verdict, what it means, and why', () => {
    const text = firstPage(page)
    expect(text).toContain('Verdict: High')
    expect(text).toContain('Records behind one update can be recognised')
    expect(text).toContain(
      'Why this verdict: GIFD told 5 of 6 records from 99 others of the same class: at least 36%',
    )
    expect(text).toContain('5 of 6 records recognised among 100 of the same class, by GIFD-CMA')
    expect(text).toContain('by chance: 1 in 100; 95 % interval 36–100 %')
  })
  it('tells likeness in words, against the best guess without the update', () => {
    // GIFD-CMA at its best stage: gains of 9.4, 6.1, 12.2, 5.5, 9.1, 8.2 dB; the median is 8.65, and 10^1.22 is 16.6.
    expect(firstPage(page)).toContain(
      'Up to 17 times closer by squared error, than the best guess from public records worst record +12.2 dB (GIFD-CMA); median at best +8.7 dB',
    )
  })
  it('does not count how much closer than nothing, or than everything, something is', async () => {
    const exact = { name: 'analytic', psnr: [99, 99, 99, 99, 99, 99], hits: 6, residual: 3e-7 }
    const copied = firstPage(await auditReportPage(await madeUpAudit({}, [{ methods: [exact] }])))
    expect(copied).toContain('Records can be read out of one update')
    expect(copied).toContain('More than 10,000 times closer')
    const quiet = firstPage(await auditReportPage(await madeUpAudit({}, [QUIET])))
    expect(quiet).toContain('No closer by squared error')
  })
  it('says what was tried, and with what', () => {
    const text = firstPage(page)
    expect(text).toContain('gap, trained by fedavg with sgd')
    expect(text).toContain('6 (synthetic: of nobody): stroke digits drawn')
    expect(text).toContain('LATENT, GIFD, IG, GI, GIAS, GGL, GIFD-CMA, DLG, iDLG')
    expect(text).toContain('standard; 6 setups, 6 rows')
    expect(text).toContain('of 1 or 8 records, made in 1 local step')
    expect(text).toContain('none: updates are sent as they are')
  })
  it('says what would lower it at which cost, the lowest first, and what would not', () => {
    const text = firstPage(page)
    const lower = text.slice(text.indexOf('What would lower it'))
    expect(lower).toMatch(/it mean of 8 clients: Not demonstrated\. This needs secure aggregation/)
    expect(lower).toContain(
      'clip to norm 1, then noise of deviation 0.01: Elevated; accuracy 87 % instead of 94 %',
    )
    expect(lower.indexOf('Not demonstrated')).toBeLessThan(lower.indexOf('Elevated'))
    expect(lower).toContain(
      'Does not lower it: clip to norm 1; the largest 10 % only; 8 records in an update.',
    )
  })
  it('tells no cost of what has the same transforms', async () => {
    const rows = [
      { methods: OPEN, utility: 0.94 },
      { ...QUIET, clients: 8, utility: 0.94 },
    ]
    const text = firstPage(await auditReportPage(await madeUpAudit({}, rows)))
    const lower = text.slice(text.indexOf('What would lower it'))
    expect(lower).toMatch(/it mean of 8 clients: Not demonstrated\. This/)
  })
  it('says how small p had to be for a placebo, among how many tests', async () => {
    const text = seen(
      await auditReportPage(await madeUpAudit({}, [QUIET, { ...QUIET, clients: 2 }])),
    )
    expect(text).toContain('(p not below 0.005, which is 0.01 divided by the 2 tests)')
    const one = seen(await auditReportPage(await madeUpAudit({}, [QUIET])))
    expect(one).toContain('(p not below 0.01): what')
    expect(text).not.toContain('beyond public knowledge')
  })
  it('says what was not tried', () => {
    const text = firstPage(page)
    expect(text).toContain('A coordinator that cheats')
    expect(text).toContain('On some or all rows: Analytic')
    expect(text).toContain('The records are made up: real ones')
    // Those that hold for every audit are said in two sentences; two of the others have no room.
    expect(text).not.toContain('imprint layers')
    expect(text).toContain('6 more, under Limitations')
    expect(seen(page)).toContain('imprint layers')
  })
  it('says how far a budget was shortened, and which attacks nobody asked for', async () => {
    const effort = { methods: ['gifd', 'ig'], iterations: 100, restarts: 1, isAsBudget: false }
    const short = await auditReportPage(await madeUpAudit({ effort }, [{ methods: [OPEN[2]!] }]))
    const text = firstPage(short)
    expect(text).toContain('standard, shortened to 100 iterations and 1 restart; 1 setup')
    expect(text).toContain('Attacks that were not asked for: Analytic, LATENT, GI, GIAS, GGL')
    expect(text).toContain('Attacks that do not apply: IG.')
    expect(seen(short)).toMatch(/DLG, Deep Leakage.*?not tried\s*not asked for/s)
  })
  it('has room to decide, for these settings alone', () => {
    const text = firstPage(page)
    expect(text).toContain('It may not start')
    expect(text).toContain(`Settings ${signed.report.settingsHash}`)
    expect(text).toContain('makes this report stale')
  })
  it('never says that anything is safe', async () => {
    const quiet = await auditReportPage(await madeUpAudit({}, [QUIET]))
    expect(firstPage(quiet)).toContain('it is no proof that an update reveals nothing')
    for (const one of [page, quiet]) expect(seen(one)).not.toMatch(/\b(un)?safe/i)
  })
})

describe('what takes the worth from the numbers', () => {
  const warned = async (of: SignedReport): Promise<string> =>
    seen((await auditReportPage(of)).match(/<p class="warning">.*?<\/p>/gs)?.join(' ') ?? '')

  it('is nothing in a report that is right', async () => {
    expect(await warned(single)).toBe('')
  })
  it('is a placebo that recognises records', async () => {
    const void_ = await madeUpAudit({ isSound: false }, [
      { methods: OPEN.slice(2, 3), placeboHits: 6 },
    ])
    expect(await warned(void_)).toContain('This audit is void')
    const text = firstPage(await auditReportPage(void_))
    expect(text).toContain('No statement: the audit is void')
    expect(text).toContain('Verdict: none')
    for (const absent of ['can be recognised', 'this audit', 'Why this verdict'])
      expect(text).not.toContain(absent)
  })
  it('is that nothing was tried', async () => {
    const failed = OPEN.map(({ name }) => ({ name, psnr: null, note: 'no signal' }))
    const text = await warned(await madeUpAudit({}, [{ ...QUIET, methods: failed }]))
    expect(text).toContain('This audit is void')
    expect(text).toContain('no attack came to a result, so nothing was tested')
  })
  it('is thresholds that are laxer than the usual ones', async () => {
    const limits = { certainGain: 90, highGain: 90, elevatedGain: 90, highIdentification: 90 }
    const lax = { ...single.report.thresholds, ...limits, elevatedIdentification: 90 }
    const thresholds = { ...lax, labelPValue: 1e-9 }
    const text = await warned(await madeUpAudit({ thresholds }, [{ methods: OPEN.slice(2, 3) }]))
    expect(text).toContain(
      'laxer than the usual ones. By the report’s own thresholds the verdict is not demonstrated, by the usual ones it is high',
    )
  })
  it('is a report that was changed after it was signed', async () => {
    const { report, signature } = single
    expect(await warned({ report: { ...report, seconds: 1 }, signature })).toContain(
      'it was changed after it was signed',
    )
  })
  it('is a verdict that does not follow, whoever signed it', async () => {
    const wrong = await madeUpAudit({ verdict: 'not-demonstrated' }, [
      { methods: OPEN.slice(2, 3) },
    ])
    expect(await warned(wrong)).toContain(
      'contradicts itself: The verdict is not-demonstrated, but the rows give high',
    )
  })
  it('is that no row has the settings of the run, or none with as few records', async () => {
    const other = await madeUpAudit({}, [{ ...QUIET, clients: 2 }])
    expect(await warned(other)).toContain('No row has the settings of this run')
    const larger = await madeUpAudit({}, [{ ...QUIET, batchSize: 64, localSteps: 2 }])
    expect(await warned(larger)).toContain('more records in an update than one batch')
    const rough = await madeUpAudit({}, [{ ...QUIET, approximation: 'one-gradient' }])
    expect(await warned(rough)).toContain('was taken for one gradient')
  })
  it('is a budget that only shows that the audit works, and records that are few', async () => {
    const smoke = await madeUpAudit({ budget: 'smoke' }, [{ ...QUIET, records: 2 }])
    expect(await warned(smoke)).toContain('The budget was the smallest')
    expect(firstPage(await auditReportPage(smoke))).toContain('a row has 2 records')
  })
  it('is that there are pictures to delete', () => {
    expect(firstPage(page)).toContain('Delete it by 31 January 2027')
  })
})

describe('a low verdict', () => {
  it('is told with the setups against which the same attacks succeed', async () => {
    const settings = {
      ...(await madeUpAudit()).report.settings,
      updates: [{ name: 'clip', norm: 1 }],
    }
    const quiet = { ...QUIET, updates: [{ name: 'clip', norm: 1 }], defence: 'clip to norm 1' }
    const text = firstPage(
      await auditReportPage(
        await madeUpAudit({ settings }, [quiet, { methods: OPEN.slice(2, 3) }]),
      ),
    )
    expect(text).toContain('No leak was demonstrated with what was tried')
    expect(text).toContain('What it rests on')
    expect(text).toContain(
      'The same attacks, against other setups, show that they work: no transforms: High',
    )
  })
  it('is told to be worth little where nothing shows that the attacks work', async () => {
    const text = firstPage(
      await auditReportPage(await madeUpAudit({}, [QUIET, { ...QUIET, clients: 2 }])),
    )
    expect(text).toContain('does not show that these attacks would have found a leak')
  })
  it('of one setup names what to audit beside it', async () => {
    const text = firstPage(await auditReportPage(await madeUpAudit({}, [QUIET])))
    expect(text).toContain('Not known: one setup was audited')
  })
})

describe('the evidence', () => {
  it('has every section that there are data for', () => {
    expect(headings(page).slice(4)).toEqual([
      ...['How to read this', 'Results', 'Pictures', 'Recognition and gain'],
      ...['Likeness of every record', 'Every number', 'How the searches went'],
      ...['Guesses without the update', 'Labels', 'What it costs', 'Attacks'],
      ...['Rules of the verdict', 'The attacker', 'Limitations', 'Settings that were audited'],
      'Fingerprint and signature',
    ])
    for (const title of headings(page).slice(4)) expect(page).toContain(`>${title}</a>`)
  })
  it('has the numbers of the strongest attack, and of all', () => {
    expect(firstRow(page, 'The strongest attacks by row')).toEqual([
      ...['1 no transforms, 1 record this run’s settings', 'High'],
      ...['GIFD-CMA stopped after stage 2', '21.3 dB', '+8.7 dB', '+12.2 dB GIFD-CMA'],
      ...['5 of 6 GIFD-CMA, 36–100 %', '94 %'],
    ])
    expect(firstRow(page, 'Every attack on every row')).toEqual([
      ...['1 no transforms, 1 record this run’s settings', '–', '+1.2 4/6', '+7.9 5/6'],
      ...['−3.4 0/6', '−3.9 0/6', '+5.3 5/6', '+2.3 4/6', '+8.5 5/6', '−4.5 0/6', '−4.4 0/6'],
    ])
    expect(firstRow(page, 'Guesses by row').slice(0, 2)).toEqual(['1 Class mean', '13.0 dB'])
    expect(firstRow(page, 'Labels by row').slice(1)).toEqual([
      ...['100 %', '100 %', '10 %', '< 0.001', '100 %'],
      ...['the sign of the last layer’s bias gradient', ''],
    ])
    expect(firstRow(page, 'Attacks, tried and not tried')[3]).toBe(
      'The first layer is a convolution: no formula gives its input (row 1, 2, 3, 4, 5, 6)',
    )
  })
  it('tells among how many of its class a record is told', async () => {
    const copy = structuredClone(single)
    for (const { sameClass } of copy.report.rows[0]!.controls) sameClass.candidates = 7
    const few = seen(await auditReportPage(copy))
    expect(few).toContain('there it is the nearest among 7.')
    expect(few).toContain('interval lies above 5 in 7)')
    expect(few).toMatch(/fresh\s*1\s*7\s*850/)
  })
  it('names the stage at which an attacker would have had more', async () => {
    const [gifd] = OPEN.filter(({ name }) => name === 'gifd')
    const methods = [{ ...gifd!, stages: [3, -2, 0] }]
    const stopped = await auditReportPage(await madeUpAudit({}, [{ methods }]))
    expect(firstRow(stopped, 'The strongest attacks by row')[2]).toBe('GIFD stopped after stage 1')
    expect(seen(stopped)).toContain('2, best 1')
  })
  it('says what it lacks: no generator, no utility, no curves, attacks without a result', async () => {
    const methods = OPEN.map(({ name }) => ({ name, psnr: null, note: 'no signal' }))
    const bare = await auditReportPage(
      await madeUpAudit({ generator: null }, [{ ...QUIET, methods }]),
    )
    expect(firstPage(bare)).toContain('public records; no generator')
    expect(firstRow(bare, 'The strongest attacks by row')[2]).toBe('none gave anything')
    for (const title of ['What it costs', 'How the searches went', 'Likeness of every record'])
      expect(headings(bare)).not.toContain(title)
  })
  it('frames the best picture of each record, and names every picture', () => {
    expect(page).toContain('alt="Record 1 by GIFD, 20.5 dB"')
    expect(page).toContain('alt="Record 1 by Class mean, 12.9 dB"')
    expect(page.match(/<td class="best">/g)).toHaveLength(1)
    expect(page).toContain('image-rendering:pixelated')
  })
})
