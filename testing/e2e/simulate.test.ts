import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { endAll, readJson, temporaryDirectory, tributary, type Finished } from './harness.js'

const SMALL = ['--set', 'rounds=2', 'data.limit=4000', 'evaluation.central.limit=1000']
const HASH = /^[0-9a-f]{64}$/

describe('tributary simulate', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let oneWorker: Finished
  let twoWorkers: Finished
  const run = (...args: readonly string[]) => tributary(args, { cwd: directory.path })
  const simulate = (...args: readonly string[]) =>
    run('simulate', 'mnist-fedavg-dirichlet', ...args, ...SMALL)
  const runIdOf = ({ result }: Finished): string => String(result['runId'])

  beforeAll(async () => {
    directory = await temporaryDirectory()
    oneWorker = await simulate('--workers', '1')
    twoWorkers = await simulate('--workers', '2')
  }, 240_000)
  afterEach(endAll)
  afterAll(() => directory.remove())

  it('ends with the numbers of the run and the model file they belong to', async () => {
    expect(oneWorker.errorText).toBe('')
    expect(oneWorker.status).toBe(0)
    const { result } = oneWorker
    expect(result).toMatchObject({
      event: 'simulate:finished',
      rounds: 2,
      seed: 7,
      modelHash: expect.stringMatching(HASH) as string,
    })
    expect(result['accuracy']).toBeGreaterThan(0.5)
    for (const key of ['seconds', 'bytesUp', 'bytesDown']) expect(result[key]).toBeGreaterThan(0)
    const model = await readFile(join(directory.path, String(result['model'])))
    expect(createHash('sha256').update(model).digest('hex')).toBe(result['modelHash'])
    // One line for the evaluation before training and one for each round.
    const rounds = oneWorker.lines.filter(({ event }) => event === 'round:closed')
    expect(rounds).toHaveLength(3)
  })

  it('comes to the same model with two workers as with one', () => {
    expect(twoWorkers.status).toBe(0)
    expect(runIdOf(twoWorkers)).not.toBe(runIdOf(oneWorker))
    expect(twoWorkers.result['modelHash']).toBe(oneWorker.result['modelHash'])
    expect(twoWorkers.result['accuracy']).toBe(oneWorker.result['accuracy'])
  })

  it('replays the run of two workers to the same bytes', async () => {
    const record = join('.tributary', 'runs', runIdOf(twoWorkers), 'record.json')
    const replay = await run('simulate', '--replay', record, '--workers', '1')
    expect(replay.status).toBe(0)
    expect(replay.result).toMatchObject({
      event: 'simulate:finished',
      replayOf: runIdOf(twoWorkers),
      modelHash: twoWorkers.result['modelHash'],
      same: true,
    })
  })

  it('comes to other models with other seeds, and ends with their mean and spread', async () => {
    const { status, result } = await simulate('--seeds', '0,1')
    expect(status).toBe(0)
    const seeds = result['seeds'] as readonly {
      seed: number
      accuracy: number
      modelHash: string
    }[]
    expect(seeds.map(({ seed }) => seed)).toEqual([0, 1])
    const hashes = [oneWorker.result['modelHash'], ...seeds.map(({ modelHash }) => modelHash)]
    expect(new Set(hashes).size).toBe(3)
    const [a = 0, b = 0] = seeds.map(({ accuracy }) => accuracy)
    expect(result['accuracy']).toBeCloseTo((a + b) / 2, 12)
    // The sample standard deviation of two values is their distance over the root of two.
    expect(result['spread']).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12)
    expect(result['spread']).toBeGreaterThan(0)
  })

  it('leaves runs that `compare` puts side by side', async () => {
    const { status, result } = await run('compare', runIdOf(oneWorker), runIdOf(twoWorkers))
    expect(status).toBe(0)
    expect(result).toMatchObject({ event: 'compare:finished', differences: [] })
    expect(result['rows']).toEqual([
      expect.objectContaining({
        name: 'mnist-fedavg-dirichlet',
        method: 'fedavg',
        seeds: [7, 7],
        accuracy: oneWorker.result['accuracy'],
        spread: 0,
      }),
    ])
  })

  it('leaves runs that `compare --out` makes one page of', async () => {
    const runs = [oneWorker, twoWorkers].map(runIdOf)
    const file = join(directory.path, 'report.html')
    const { status, result } = await run('compare', ...runs, '--out', 'report.html')
    expect(status).toBe(0)
    const page = await readFile(file)
    expect(result['report']).toEqual({ file: await realpath(file), bytes: page.byteLength })
    for (const id of runs) expect(page.toString()).toContain(id)
    const nowhere = await run('compare', ...runs, '--out', 'missing/report.html')
    expect(nowhere.status).toBe(2)
    expect(nowhere.result).toMatchObject({ event: 'error', code: 'usage/bad-value' })
  })

  it('leaves runs that `runs list --local` and `runs show --local` know', async () => {
    const list = await run('runs', 'list', '--local')
    expect(list.status).toBe(0)
    const runs = list.result['runs'] as readonly { runId: string; state: string }[]
    for (const one of [oneWorker, twoWorkers]) {
      expect(runs).toContainEqual(
        expect.objectContaining({ runId: runIdOf(one), state: 'finished', round: 2, rounds: 2 }),
      )
    }

    const show = await run('runs', 'show', '--local', runIdOf(oneWorker))
    expect(show.status).toBe(0)
    const record = await readJson<RunRecord>(
      join(directory.path, '.tributary', 'runs', runIdOf(oneWorker), 'record.json'),
    )
    expect(show.result).toEqual({
      ...{ event: 'runs:show:finished', record },
      ...{ calibration: null, clients: null },
    })
    const nobody = await run('runs', 'show', '--local', 'run-nobody')
    expect(nobody.result).toMatchObject({ event: 'error', code: 'run/not-found' })
  })
})

describe('tributary simulate with variants', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const blobs = 'blobs:count=240:classes=3:features=4'
  const study = {
    name: 'blobs-study',
    model: { name: 'logistic' },
    method: { name: 'fedprox', mu: 0.01 },
    training: { optimizer: { learningRate: 0.05 } },
    data: { name: 'synthetic', path: blobs, clients: 2 },
    evaluation: { central: { name: 'synthetic', path: blobs } },
    compute: { backend: 'wasm' },
    rounds: 2,
    seed: 3,
    variants: { slow: { training: { optimizer: { learningRate: 0.001 } } } },
  }
  const simulate = (...args: readonly string[]) =>
    tributary(['simulate', 'study.json', '--workers', '0', ...args], { cwd: directory.path })
  const write = (content: object) =>
    writeFile(join(directory.path, 'study.json'), JSON.stringify(content))

  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(endAll)
  afterAll(() => directory.remove())

  it('runs every cell, ends with the table, and takes finished cells when it is resumed', async () => {
    await write(study)
    const { status, lines, result } = await simulate('--results', 'results')
    expect(status).toBe(0)
    const cells = lines.filter(({ event }) => event === 'simulate:cell')
    expect(cells.map(({ variant, seed, source }) => [variant, seed, source])).toEqual([
      ['fedprox', 3, 'run'],
      ['slow', 3, 'run'],
    ])
    const [base, slow] = cells
    expect(result).toMatchObject({
      ...{ event: 'simulate:finished', base: 'fedprox', isComplete: true, rounds: 2, seed: 3 },
      ...{ runId: base?.['runId'], modelHash: base?.['modelHash'], accuracy: base?.['value'] },
      cells: [{ variant: 'fedprox' }, { variant: 'slow' }],
      table: [
        {
          setting: 'reference',
          rows: [
            { variant: 'fedprox', gain: null },
            { gain: { mean: Number(base?.['value']) - Number(slow?.['value']), spread: null } },
          ],
        },
      ],
    })
    const model = await readFile(join(directory.path, String(result['model'])))
    expect(createHash('sha256').update(model).digest('hex')).toBe(result['modelHash'])

    const page = await readFile(join(directory.path, 'results', 'README.md'), 'utf8')
    expect(page).toContain('`tributary simulate study.json --results results`')
    expect((await readdir(join(directory.path, 'results'))).sort()).toEqual([
      'README.md',
      'accuracy.svg',
      'cells',
      'curves-reference.svg',
    ])

    const again = await simulate('--results', 'results', '--resume')
    expect(again.result['table']).toEqual(result['table'])
    expect(again.result['model']).toBe(result['model'])
    const sources = (again.result['cells'] as readonly { source: string }[]).map(
      (one) => one.source,
    )
    expect(sources).toEqual(['results', 'results'])
    expect(await readdir(join(directory.path, '.tributary', 'runs'))).toHaveLength(2)
  })

  it('calibrates the model of another variant, which comes with it, and tells before, after and gain', async () => {
    const start = { startFrom: { variant: 'fedprox' }, rounds: 0 }
    await write({
      ...study,
      ...{ name: 'calibrated', baseline: 'fedprox', model: { name: 'mlp', hidden: [6] } },
      variants: {
        ccvr: { ...start, calibration: { name: 'ccvr' } },
        oracle: { ...start, calibration: { name: 'oracle' } },
        other: { method: { name: 'fedavg' } },
      },
    })
    const { status, lines, result } = await simulate(
      ...['--only', 'ccvr,oracle', '--runs-dir', 'calibrated'],
    )
    expect(status).toBe(0)
    const [trained, ...calibrated] = lines.filter(({ event }) => event === 'simulate:cell')
    expect([trained, ...calibrated].map((cell) => cell?.['variant'])).toEqual([
      ...['fedprox', 'ccvr', 'oracle'],
    ])
    const before = Number(trained?.['value'])
    for (const cell of calibrated) expect(cell['before']).toBe(before)
    const gains = calibrated.map(({ value }) => Number(value) - before)
    expect(result['table']).toMatchObject([
      {
        baseline: 'fedprox',
        rows: [
          { variant: 'fedprox', before: null, gain: null },
          ...gains.map((mean) => ({ before: { mean: before }, gain: { mean } })),
        ],
      },
    ])
  })

  it('names the variant and the key that are wrong before anything runs', async () => {
    await write({ ...study, name: 'other', variants: { typo: { method: { mou: 1 } } } })
    const { status, result } = await simulate('--runs-dir', 'none')
    expect(status).toBe(2)
    expect(result).toMatchObject({
      ...{ event: 'error', code: 'config/invalid' },
      message: expect.stringMatching(/^In variant typo: method\.mou: unknown key/) as string,
    })
    await expect(readdir(join(directory.path, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
