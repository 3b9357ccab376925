import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
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
    expect(show.result).toEqual({ event: 'runs:show:finished', record })
    const nobody = await run('runs', 'show', '--local', 'run-nobody')
    expect(nobody.result).toMatchObject({ event: 'error', code: 'run/not-found' })
  })
})
