import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, makeBundle, tensorsOf } from '#protocol/bundle.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { openAllClients } from '#data/index.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { evaluate } from '#algorithms/evaluation/evaluate.js'
import { openPredictor, readModelFile } from '#algorithms/model-file.js'
import { replay } from './replay.js'
import type { SimulatedRun } from './run-files.js'
import { simulate } from './simulate.js'

const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-personal-'))
afterAll(() => rm(runsDirectory, { recursive: true, force: true }))

const CLASSES = ['0', '1', '2']
const DATA = {
  ...{ name: 'synthetic', path: 'blobs:count=160:classes=3:features=4', clients: 4 },
  ...{ partition: 'dirichlet:1:seed=3', testFraction: 0.3 },
}
const configOf = (change: RunConfigInput = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [4], classes: CLASSES },
        model: { name: 'mlp', hidden: [6, 5] },
        method: { name: 'fedd2s' },
        training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.05 } },
        data: DATA,
        evaluation: { federated: true },
        compute: { backend: 'cpu' },
        rounds: 3,
        ...change,
      },
      configCatalogue(),
    ),
  )
const options = { workers: 0, runsDirectory, personalModels: true }

describe('personal models of a simulated run', () => {
  let run: SimulatedRun
  beforeAll(async () => {
    run = await simulate(configOf(), options)
  }, 60_000)

  it('are files of their own, one for each slot, which predict as the client did in the last evaluation', async () => {
    const clients = await openAllClients({ ...DATA, data: DATA.name })
    const scores = run.record.rounds.at(-1)?.accepted ?? []
    expect(run.personalModels?.map(({ slot, name }) => [slot, name])).toEqual(
      run.record.roster.map(({ slot, name }) => [slot, name]),
    )
    expect(new Set(run.personalModels?.map(({ hash }) => hash)).size).toBe(4)
    for (const { slot, hash, model } of run.personalModels ?? []) {
      expect(model).toBe(join(dirname(run.model), 'personal', `${slot}.bundle`))
      const file = readModelFile(await readFile(model ?? ''))
      expect(bundleHash(makeBundle(tensorsOf(file.bundle)))).toBe(hash)
      const predictor = openPredictor(file, {})
      const { correct, count } = await evaluate(predictor.predict, clients[slot]!.test, CLASSES)
      predictor.dispose()
      const { metrics } = scores.find((score) => score.slot === slot)!
      expect(correct / count).toBe(metrics['accuracy'])
    }
  })

  it('are what predicts, and not the file of what the clients share', async () => {
    const shared = readModelFile(await readFile(run.model))
    expect(() => openPredictor(shared, {})).toThrow(
      expect.objectContaining({
        code: 'model/unreadable',
        message: expect.stringContaining('models of their own') as string,
      }),
    )
  })

  it('are the same after a replay, and in a worker process', async () => {
    const hashes = ({ personalModels }: SimulatedRun) => personalModels?.map(({ hash }) => hash)
    expect(hashes(await replay(run.record, options))).toEqual(hashes(run))
    expect(hashes(await simulate(configOf(), { ...options, workers: 2 }))).toEqual(hashes(run))
  })

  it('are missing of clients that were never selected, and told so', async () => {
    const evaluation = { federated: true, every: 1 }
    const few = await simulate(configOf({ cohort: { size: 1 }, rounds: 2, evaluation }), options)
    const asked = new Set(few.record.rounds.slice(1, 3).flatMap(({ cohort }) => cohort))
    expect(asked.size).toBeLessThan(4)
    for (const { slot, hash, model } of few.personalModels ?? [])
      expect([hash === null, model === null]).toEqual([!asked.has(slot), !asked.has(slot)])
    expect(await readdir(join(dirname(few.model), 'personal'))).toHaveLength(asked.size)
    // They count all the same, with the params that everyone began with.
    const last = few.record.rounds.at(-1)
    expect(last?.metrics).toMatchObject({ 'clients/count': 4, 'clients/trained': asked.size })
  })

  it('are refused for a method whose clients share one model', async () => {
    const shared = configOf({ method: { name: 'fedavg' } })
    await expect(simulate(shared, options)).rejects.toMatchObject({ code: 'model/not-personal' })
  })
})
