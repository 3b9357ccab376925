import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import {
  endAll,
  joinNode,
  readJson,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Finished,
} from './harness.js'

const PUBLIC = 'synthetic:blobs:count=300:classes=6:features=8:seed=1'
const OWN = 'synthetic:blobs:count=240:classes=4:features=8:seed=2'
const SHARE = ['--partition', 'iid:seed=3', '--shard'] as const
const HIDDEN = 'model.hidden=[12]'
const CONFIG = {
  name: 'from-a-backbone',
  task: { inputShape: [8], classes: ['0', '1', '2', '3'] },
  model: { name: 'mlp', hidden: [12] },
  training: { batchSize: 16, optimizer: { learningRate: 0.05 } },
  cohort: { all: true, minReporters: 2 },
  evaluation: { central: { name: 'synthetic', path: OWN.slice('synthetic:'.length) } },
  compute: { backend: 'wasm', threads: 1 },
  rounds: 2,
  seed: 5,
}
const PRETRAIN = {
  data: { name: 'synthetic', path: PUBLIC.slice('synthetic:'.length) },
  epochs: 3,
  keys: 4,
}

describe('a backbone, pre-trained', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let made: Finished
  const run = (args: readonly string[], cache = 'cache'): Promise<Finished> =>
    tributary(args, { cwd: directory.path, env: { XDG_CACHE_HOME: join(directory.path, cache) } })
  const pretrain = (...more: readonly string[]): Promise<Finished> =>
    run([
      ...['models', 'pretrain', '--data', PUBLIC, '--model', 'mlp', '--epochs', '3', '--keys', '4'],
      ...['--seed', '5', '--backend', 'wasm', '--set', HIDDEN, ...more],
    ])
  const eventsOf = ({ lines }: Finished, name: string): number =>
    lines.filter(({ event }) => event === name).length

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(
      join(directory.path, 'simulated.json'),
      JSON.stringify({
        ...CONFIG,
        startFrom: { pretrain: PRETRAIN },
        data: { ...CONFIG.evaluation.central, partition: 'iid:seed=3', clients: 2 },
      }),
    )
    await writeFile(
      join(directory.path, 'deployed.json'),
      JSON.stringify({ ...CONFIG, startFrom: { file: 'backbone.bundle' } }),
    )
    made = await pretrain()
  })
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('tells of every epoch, of its accuracy and where it is', async () => {
    expect(made.errorText).toBe('')
    expect(made.result).toMatchObject({
      event: 'models:pretrain:finished',
      file: 'backbone.bundle',
      isKept: false,
    })
    expect(made.result['test']).toBeGreaterThan(0.8)
    expect(eventsOf(made, 'pretrain:epoch')).toBe(3)
    const bytes = await readFile(join(directory.path, 'backbone.bundle'))
    expect(sha256(bytes)).toBe(made.result['hash'])
  })

  it('is the same file when it is made again without the cache', async () => {
    await rm(join(directory.path, 'cache'), { recursive: true })
    const anew = await pretrain('--out', 'again.bundle')
    expect(anew.result).toMatchObject({ hash: made.result['hash'], isKept: false })
  })

  it('is where a simulation starts whose experiment describes it', async () => {
    const simulated = await run(['simulate', 'simulated.json', '--workers', '1'])
    expect(simulated.errorText).toBe('')
    // With the seed and the backend of the run these are the options from above: nothing is trained twice.
    expect(eventsOf(simulated, 'pretrain:started')).toBe(0)
    const folder = join(directory.path, '.tributary/runs', String(simulated.result['runId']))
    const record = await readJson<RunRecord>(join(folder, 'record.json'))
    expect(record.config.startFrom).toBe(made.result['hash'])
    expect(sha256(await readFile(join(folder, 'start.bundle')))).toBe(made.result['hash'])
    const replayed = await run(['simulate', '--replay', folder, '--workers', '1'], 'nothing-here')
    expect(replayed.result).toMatchObject({ same: true, modelHash: record.modelHash })
  })

  describe('with a coordinator', () => {
    let coordinator: Awaited<ReturnType<typeof startCoordinator>>
    const remote = (...args: readonly string[]): Promise<Finished> =>
      run([...args, '--data-dir', coordinator.dataDir])
    beforeAll(async () => {
      coordinator = await startCoordinator(directory.path)
    })

    it('starts no run when it was never uploaded, or is of another model', async () => {
      const begin = (set: string): Promise<Finished> =>
        remote('runs', 'start', 'deployed.json', '--set', set)
      const refused = (code: string) => ({ status: 2, result: { event: 'error', code } })
      const unknown = `startFrom="${'0'.repeat(64)}"`
      expect(await begin(unknown)).toMatchObject(refused('model/not-found'))
      expect(await begin('model.hidden=[13]')).toMatchObject(refused('model/does-not-fit'))
      expect((await remote('runs', 'list')).result['runs']).toEqual([])
    })

    it('comes along with `runs start`, and back with what is exported', async () => {
      for (const shard of [1, 2]) {
        const data = ['--data', OWN, ...SHARE, `${shard}/2`]
        await joinNode(directory.path, coordinator, { name: `node-${shard}`, data })
      }
      const started = await remote('runs', 'start', 'deployed.json', '--watch')
      expect(started.status).toBe(0)
      const runId = String(started.result['runId'])
      const exported = await remote('runs', 'export', runId, '--out', 'exported')
      const record = await readJson<RunRecord>(join(directory.path, 'exported/record.json'))
      expect(record.config.startFrom).toBe(made.result['hash'])
      const start = await readFile(join(directory.path, String(exported.result['start'])))
      expect(sha256(start)).toBe(made.result['hash'])

      // Neither the cache nor the export: the coordinator has it still.
      await rm(join(directory.path, String(exported.result['start'])))
      const replay = ['simulate', '--replay', 'exported/record.json', '--workers', '1']
      const replayed = await run([...replay, '--data-dir', coordinator.dataDir], 'nothing-here')
      expect(replayed.result).toMatchObject({ same: true, modelHash: record.modelHash })
    })
  })
})
