import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedReport } from '#protocol/audit-report.js'
import { signReport } from '#protocol/audit-signature.js'
import { newKeyPair } from '#protocol/proof.js'
import { endAll, start, temporaryDirectory, tributary, type Finished } from './harness.js'

const data = (seed: number, count = 60) => ({
  name: 'synthetic',
  path: `stroke-digits:side=8:classes=3:count=${count}:seed=${seed}`,
})
const RUN = {
  model: { name: 'mlp', hidden: [6] },
  training: { batchSize: 2, optimizer: { learningRate: 0.5 } },
  compute: { backend: 'wasm' },
  data: { ...data(3), clients: 2 },
}
const AUDIT = {
  name: 'Two rows',
  run: { ...RUN, data: null },
  records: { data: data(1), count: 2, candidates: 8, basis: 'canary' },
  auxiliary: data(2),
  rows: [
    { batchSize: 1 },
    {
      batchSize: 1,
      updates: [
        { name: 'clip', norm: 0.1 },
        { name: 'gaussian-noise', stddev: 1 },
      ],
    },
  ],
  methods: ['analytic', 'ig'],
  iterations: 10,
  restarts: 1,
}

describe('tributary audit', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let made: Finished
  const at = (name: string): string => join(directory.path, name)
  const audit = (...args: readonly string[]): Promise<Finished> =>
    tributary(['audit', ...args], {
      cwd: directory.path,
      env: { TRIBUTARY_HOME: at('home'), XDG_CACHE_HOME: at('cache') },
    })
  const read = async (path: string): Promise<SignedReport> =>
    JSON.parse(await readFile(at(path), 'utf8')) as SignedReport

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(at('audit.json'), JSON.stringify(AUDIT))
    await writeFile(at('run.json'), JSON.stringify(RUN))
    made = await audit('run', '--config', 'audit.json', '--workers', '2')
  })
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('attacks, and ends with the verdict and where the report is', () => {
    expect(made.errorText).toBe('')
    expect([made.status, made.result]).toMatchObject([
      0,
      {
        event: 'audit:run:finished',
        ...{ verdict: 'certain', isSound: true, isFailed: false },
        ...{ report: 'audits/two-rows/report.json', page: 'audits/two-rows/report.html' },
        rows: [{ id: '1-none-b1-k1', verdict: 'certain' }, { id: '2-clip-gaussian-noise-b1-k1' }],
      },
    ])
    const told = made.lines.filter(({ event }) => event === 'audit:progress')
    expect(told.map(({ cells, of }) => [cells, of])).toContainEqual([4, 4])
  })

  it('A22: writes numbers alone, for its owner, and nothing else', async () => {
    expect((await readdir(at('audits/two-rows'))).sort()).toEqual(['report.html', 'report.json'])
    for (const name of ['report.html', 'report.json']) {
      expect(await readFile(at(`audits/two-rows/${name}`), 'utf8')).not.toContain('data:image')
    }
  })

  it('verifies a report, also against the run and the key it should be of', async () => {
    const key = made.result['publicKey'] as string
    const report = 'audits/two-rows/report.json'
    const checked = await audit('verify', report, '--config', 'run.json', '--key', key)
    expect([checked.errorText, checked.status]).toEqual(['', 0])
    expect(checked.result).toMatchObject({ event: 'audit:verify:finished', verdict: 'certain' })
    const stale = await audit(
      'verify',
      report,
      '--config',
      'run.json',
      '--set',
      'training.batchSize=4',
    )
    expect([stale.status, stale.result['code']]).toEqual([2, 'audit/stale'])
    expect(stale.result['message']).toContain('training.batchSize')
    const other = await audit('verify', report, '--key', 'MCowBQYDK2VwAyEA'.padEnd(59, 'A'))
    expect([other.status, other.result['code']]).toEqual([2, 'audit/not-trusted'])
  })

  it('makes the page again from the report, with a warning when it was edited', async () => {
    const again = await audit('report', 'audits/two-rows/report.json', '--out', 'again.html')
    expect([again.status, again.result['event']]).toEqual([0, 'audit:report:finished'])
    const page = await readFile(at('audits/two-rows/report.html'), 'utf8')
    expect(await readFile(at('again.html'), 'utf8')).toBe(page)
    expect(page).not.toContain('class="warning"')
    const signed = await read('audits/two-rows/report.json')
    await writeFile(
      at('later.json'),
      JSON.stringify({ ...signed, report: { ...signed.report, seed: 1 } }),
    )
    expect((await audit('report', 'later.json')).status).toBe(0)
    expect(await readFile(at('report.html'), 'utf8')).toContain(
      'it was changed after it was signed',
    )
    const none = await audit('report', 'audit.json')
    expect([none.status, none.result['code']]).toEqual([2, 'audit/bad-report'])
  })

  it('refuses a report that was edited, and one that was signed again after an edit', async () => {
    const signed = await read('audits/two-rows/report.json')
    signed.report.verdict = 'not-demonstrated'
    await writeFile(at('edited.json'), JSON.stringify(signed))
    const edited = await audit('verify', 'edited.json')
    expect([edited.status, edited.result['code']]).toEqual([2, 'audit/bad-report'])
    const resigned = signReport(signed.report, newKeyPair().privateKey)
    await writeFile(at('resigned.json'), JSON.stringify(resigned))
    const contradicted = await audit('verify', 'resigned.json')
    expect([contradicted.status, contradicted.result['code']]).toEqual([2, 'audit/bad-report'])
    expect(contradicted.result['message']).toContain('The verdict is not-demonstrated, but')
    await writeFile(at('cut.json'), JSON.stringify(signed).slice(0, -20))
    const cut = await audit('verify', 'cut.json')
    expect([cut.status, cut.result['code']]).toEqual([2, 'audit/bad-report'])
  })

  it('exits with status 3 when the verdict is above --fail-on, after writing the report', async () => {
    const failed = await audit(
      'run',
      '--config',
      'audit.json',
      '--out',
      'failed',
      '--fail-on',
      'high',
    )
    expect([failed.status, failed.result]).toMatchObject([
      ...[3, { verdict: 'certain', isFailed: true }],
    ])
    expect(await readdir(at('failed'))).toContain('report.json')
    const passed = await audit(
      'run',
      '--config',
      'audit.json',
      '--out',
      'p',
      '--fail-on',
      'certain',
    )
    expect(passed.status).toBe(0)
  })

  it('goes by the usual thresholds where those of the audit are laxer', async () => {
    const thresholds = {
      ...{ analyticResidual: 1e-30, certainGain: 98, highGain: 98, elevatedGain: 98 },
      ...{ highIdentification: 99, elevatedIdentification: 99, labelPValue: 1e-9 },
    }
    const lax = ['--set', `thresholds=${JSON.stringify(thresholds)}`, '--out', 'lax'] as const
    const failed = await audit('run', '--config', 'audit.json', ...lax, '--fail-on', 'high')
    expect([failed.status, failed.result]).toMatchObject([3, { verdict: 'certain' }])
    expect((await read('lax/report.json')).report.verdict).not.toBe('certain')
    const checked = await audit('verify', 'lax/report.json')
    expect([checked.status, checked.result['code']]).toEqual([2, 'audit/lax-thresholds'])
    expect(checked.result['message']).toContain('by the usual ones it is certain')
  })

  it('writes pictures only with a day by which they are gone, and none of people', async () => {
    const run = ['run', '--config', 'audit.json', '--out', 'pictures', '--pictures'] as const
    const undated = await audit(...run)
    expect([undated.status, undated.result['code']]).toEqual([2, 'usage/bad-value'])
    const dated = await audit(...run, '--retain-until', '2999-12-31')
    expect(dated.status).toBe(0)
    const { report } = await read('pictures/report.json')
    expect(report.pictures?.retainUntil).toBe('2999-12-31')
    const [first] = report.pictures!.byRow[0]!.pictures
    expect(first?.truth).toMatch(/^data:image\/png;base64,/)
    expect(first?.reconstructions.map(({ method }) => method)).toEqual(['analytic', 'ig'])
    const people = ['--retain-until', '2999-12-31', '--set', 'records.basis=consented'] as const
    const refused = await audit(...run, ...people)
    expect([refused.status, refused.result['code']]).toEqual([2, 'config/impossible'])
  })

  it('goes on behind the last finished batch after it was killed', async () => {
    const options = ['--out', 'killed', '--workers', '1', '--set', 'iterations=60'] as const
    const running = start(['audit', 'run', '--config', 'audit.json', ...options], {
      cwd: directory.path,
      env: { TRIBUTARY_HOME: at('home'), XDG_CACHE_HOME: at('cache') },
    })
    await running.line(({ event, cells }) => event === 'audit:progress' && cells === 1)
    await running.kill('SIGKILL')
    expect(await readdir(at('killed'))).toEqual(['cells'])
    const again = await audit('run', '--config', 'audit.json', ...options, '--resume')
    expect(again.status).toBe(0)
    expect(again.result['resumed']).toBeGreaterThanOrEqual(1)
    expect((await readdir(at('killed'))).sort()).toEqual(['report.html', 'report.json'])
    const { report } = await read('killed/report.json')
    const third = await audit('run', '--config', 'audit.json', ...options, '--resume')
    expect([third.result['resumed'], (await read('killed/report.json')).report]).toEqual([
      4,
      report,
    ])
  })

  it('does not begin without the key it is to sign with', async () => {
    const { status, result } = await audit('run', '--config', 'audit.json', '--key', 'nowhere.pem')
    expect([status, result['code']]).toEqual([2, 'usage/bad-value'])
  })

  it('audits a run configuration on canaries', async () => {
    const set = ['--set', 'audit={"count":2}', '--set', 'training.batchSize=1'] as const
    const { status, result } = await audit(
      ...['run', '--config', 'run.json', '--budget', 'smoke', '--out', 'canaries'],
      ...set,
    )
    expect([status, result['verdict']]).toEqual([0, 'certain'])
    const { report } = await read('canaries/report.json')
    expect(report.records.basis).toBe('canary')
  })
})
