import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { simulate } from '#simulations/simulate.js'
import { loadStudy, type Study } from './load-study.js'
import { runStudy, type FinishedCell, type RunStudyOptions } from './run-study.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-run-study-'))
afterAll(() => rm(root, { recursive: true, force: true }))
const blobs = 'blobs:count=120:classes=3:features=4'
const file = join(root, 'study.json')
const write = (change: object = {}): Promise<void> =>
  writeFile(
    file,
    JSON.stringify({
      name: 'tiny',
      model: { name: 'logistic' },
      method: { name: 'fedprox' },
      training: { batchSize: 8, optimizer: { learningRate: 0.05 } },
      data: { name: 'synthetic', path: blobs, clients: 3 },
      evaluation: { central: { name: 'synthetic', path: blobs }, federated: true },
      compute: { backend: 'cpu' },
      rounds: 2,
      variants: { slow: { training: { optimizer: { learningRate: 0.001 } } } },
      ...change,
    }),
  )
let directories = 0
let runsDirectory: string
let results: string
/** Configurations that were run, not taken. */
let ran: string[]
beforeEach(async () => {
  await write()
  directories += 1
  runsDirectory = join(root, String(directories), 'runs')
  results = join(root, String(directories), 'results')
  ran = []
})
const counted: typeof simulate = async (config, options) => {
  ran.push(`${config.name} ${config.seed}`)
  return simulate(config, options)
}
const load = (): Promise<Study> => loadStudy(file, { seeds: [0, 1] })
const run = async (
  options: Partial<RunStudyOptions> = {},
  study?: Study,
): Promise<readonly FinishedCell[]> =>
  runStudy(study ?? (await load()), { workers: 0, runsDirectory, simulate: counted, ...options })
const sourcesOf = (finished: readonly FinishedCell[]) => finished.map(({ source }) => source)
const ALL = ['tiny 0', 'tiny 1', 'tiny/slow 0', 'tiny/slow 1']

describe('a study that runs', () => {
  it('leaves the record and the result of every cell', async () => {
    const told: string[] = []
    const finished = await run({
      onCell: ({ variant, seed }, index) => told.push(`${index} ${variant} ${seed}`),
      onFinished: ({ source }, index) => told.push(`${index} ${source}`),
    })
    expect(ran).toEqual(ALL)
    expect(told.slice(0, 4)).toEqual(['0 fedprox 0', '0 run', '1 fedprox 1', '1 run'])
    expect(await readdir(runsDirectory)).toHaveLength(4)

    const { result, run: first } = finished[0]!
    const path = join(runsDirectory, first!.runId, 'record.json')
    const record = JSON.parse(await readFile(path, 'utf8')) as RunRecord
    expect(result).toMatchObject({
      ...{ study: 'tiny', setting: 'reference', variant: 'fedprox', seed: 0 },
      ...{ configHash: record.configHash, modelHash: record.modelHash, measure: 'accuracy' },
      engine: { backend: 'cpu' },
    })
    // Before training, and after each of two rounds; the evaluation by clients that follows is of the same model.
    expect(Object.keys(result.curve)).toEqual(['0', '1', '2'])
    expect(result.curve['2']).toBe(result.metrics['accuracy'])
    expect(result.metrics['federated/lowestAccuracy']).toBeLessThanOrEqual(
      result.metrics['federated/highestAccuracy']!,
    )
    const [fast, slow] = [finished[0]!, finished[2]!].map((cell) => cell.result.metrics['loss']!)
    expect(fast).toBeLessThan(slow!)
  })

  it('is measured by what it names', async () => {
    await write({ measure: 'loss', variants: undefined, rounds: 1 })
    const [cell] = await run()
    expect(cell?.result.measure).toBe('loss')
    expect(cell?.result.curve['1']).toBe(cell?.result.metrics['loss'])
  })

  it("is measured on the clients' data where the coordinator has none", async () => {
    await write({ evaluation: { federated: true }, variants: undefined, rounds: 1 })
    const [cell] = await run()
    expect(cell?.result.measure).toBe('federated/accuracy')
    // Clients score what they receive: in round 1 the model of round 0, at the end that of round 1.
    expect(Object.keys(cell!.result.curve)).toEqual(['0', '1'])
  })

  it('keeps what is finished when it is interrupted, and not the cell that it was in', async () => {
    const stop = new AbortController()
    const onCell: RunStudyOptions['onCell'] = (_, index) => {
      if (index === 2) stop.abort()
    }
    const finished = await run({ signal: stop.signal, results, onCell })
    expect(finished).toHaveLength(2)
    expect(await readdir(join(results, 'cells'))).toEqual([
      'reference--fedprox--0.json',
      'reference--fedprox--1.json',
    ])
  })

  it('says which cell failed, and keeps those before it', async () => {
    const failing: typeof simulate = async (config, options) => {
      if (config.name === 'tiny/slow') throw new FederationError('algorithm/failed', 'No luck')
      return simulate(config, options)
    }
    await expect(run({ simulate: failing, results })).rejects.toMatchObject({
      code: 'algorithm/failed',
      message: 'reference / slow / seed 0: No luck',
    })
    expect(await readdir(join(results, 'cells'))).toHaveLength(2)
  })
})

describe('a study that is resumed', () => {
  it('takes the records of finished runs of the same configuration', async () => {
    const before = await run({}, await loadStudy(file, { seeds: [0] }))
    ran = []
    const finished = await run({ resume: true })
    expect(ran).toEqual(['tiny 1', 'tiny/slow 1'])
    expect(sourcesOf(finished)).toEqual(['record', 'run', 'record', 'run'])
    expect(finished[0]).toEqual({ ...before[0], source: 'record' })
  })

  it('runs everything again unless it is told to resume', async () => {
    await run({ results })
    ran = []
    expect(sourcesOf(await run({ results }))).toEqual(['run', 'run', 'run', 'run'])
    expect(ran).toEqual(ALL)
  })

  it('takes no record that was stopped, replayed, of another version or of another engine', async () => {
    const whole = await run({}, await loadStudy(file, { seeds: [0], only: ['fedprox'] }))
    const path = join(runsDirectory, whole[0]!.run!.runId, 'record.json')
    const record = JSON.parse(await readFile(path, 'utf8')) as RunRecord
    const study = await loadStudy(file, { seeds: [0], only: ['fedprox'] })
    for (const change of [
      { state: 'stopped' },
      { state: 'failed' },
      { kind: 'replay' },
      { version: '0.0.1' },
      { engine: { ...record.engine, version: 'tfjs 3.0.0' } },
    ]) {
      await rm(runsDirectory, { recursive: true })
      const again = await run({}, study)
      const file = join(runsDirectory, again[0]!.run!.runId, 'record.json')
      await writeFile(file, JSON.stringify({ ...record, ...change }))
      expect(sourcesOf(await run({ resume: true }, study))).toEqual(['run'])
    }
  })

  it('takes no half-written record either', async () => {
    const study = await loadStudy(file, { seeds: [0], only: ['fedprox'] })
    const [cell] = await run({}, study)
    await writeFile(join(runsDirectory, cell!.run!.runId, 'record.json'), '{"format": 1')
    expect(sourcesOf(await run({ resume: true }, study))).toEqual(['run'])
  })

  it('takes results where the records are gone, and knows no model of them then', async () => {
    const before = await run({ results })
    const files = await contentOf(results)
    const kept = await run({ resume: true, results })
    expect(kept.map(({ source, run }) => [source, run?.runId])).toEqual(
      before.map(({ run }) => ['results', run!.runId]),
    )
    await rm(runsDirectory, { recursive: true })
    ran = []
    const finished = await run({ resume: true, results })
    expect(ran).toEqual([])
    expect(finished).toEqual(before.map((cell) => ({ ...cell, source: 'results', run: null })))
    expect(await contentOf(results)).toEqual(files)
  })

  it('runs again what has another configuration, version or measure than its result', async () => {
    await write({ variants: undefined })
    const study = await loadStudy(file, { seeds: [0] })
    await run({ results }, study)
    await rm(runsDirectory, { recursive: true })
    const path = join(results, 'cells', 'reference--fedprox--0.json')
    const result = await readFile(path, 'utf8')
    for (const [from, to] of [
      [/"configHash": ".*"/, `"configHash": "${'0'.repeat(64)}"`],
      [/"version": "/, '"version": "9'],
      ['"measure": "accuracy"', '"measure": "loss"'],
      [/^/, 'no JSON'],
    ] as const) {
      await rm(runsDirectory, { recursive: true, force: true })
      await writeFile(path, result.replace(from, to))
      expect(sourcesOf(await run({ resume: true, results }, study))).toEqual(['run'])
      expect(unTimed(await readFile(path, 'utf8'))).toBe(unTimed(result))
    }
  })
})

describe('results', () => {
  it('are the same text again, apart from seconds', async () => {
    await run({ results })
    const first = await contentOf(results)
    await run({ results })
    const second = await contentOf(results)
    expect(second.map(unTimed)).toEqual(first.map(unTimed))
    expect(first.join()).not.toContain(root)
    expect(first.join()).not.toContain('run-')
  })
})

const unTimed = (text: string): string => text.replace(/"seconds": .*/, '"seconds"')
async function contentOf(directory: string): Promise<readonly string[]> {
  const cells = join(directory, 'cells')
  const names = (await readdir(cells)).sort()
  return Promise.all(names.map((name) => readFile(join(cells, name), 'utf8')))
}
