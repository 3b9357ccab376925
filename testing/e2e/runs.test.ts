import * as tfjs from '@tensorflow/tfjs-layers'
import { parse } from 'csv-parse/sync'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import {
  endAll,
  joinNode,
  readJson,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Finished,
} from './harness.js'

const BLOBS = 'blobs:count=300:seed=3:classes=3:features=4'
const CONFIG = {
  name: 'small',
  model: { name: 'mlp', hidden: [8] },
  training: { batchSize: 10, optimizer: { learningRate: 0.05 } },
  compute: { backend: 'cpu', threads: 1 },
  rounds: 3,
  seed: 5,
}
const SIMULATED = {
  ...CONFIG,
  data: { name: 'synthetic', path: BLOBS, clients: 3 },
  evaluation: { federated: true },
}
const text = (value: unknown): string => value as string

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
const run = (...args: readonly string[]): Promise<Finished> =>
  tributary(args, { cwd: directory.path })
const at = (...parts: readonly string[]): string => join(directory.path, ...parts)
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterEach(endAll)
afterAll(() => directory.remove())

describe('runs export', () => {
  let runId: string
  beforeAll(async () => {
    await writeFile(at('small.json'), JSON.stringify(SIMULATED))
    const { result, errorText } = await run('simulate', 'small.json', '--workers', '0')
    expect(errorText).toBe('')
    runId = text(result['runId'])
  })
  const exported = async (...args: readonly string[]): Promise<Finished> => {
    const finished = await run('runs', 'export', runId, '--local', ...args)
    expect(finished.errorText).toBe('')
    return finished
  }

  it('writes layers that TensorFlow.js loads, and that predict as we do', async () => {
    const { result } = await exported('--format', 'tfjs', '--out', 'layers')
    expect(result).toMatchObject({ format: 'tfjs', model: 'layers/model.json' })
    await useBackend('cpu', { threads: 1 })
    const fetchFunc = (async (path: string) => {
      const type = path.endsWith('.json') ? 'application/json' : 'application/octet-stream'
      return new Response(await readFile(at('layers', path)), { headers: { 'content-type': type } })
    }) as typeof fetch
    const model = await tfjs.loadLayersModel(tf.io.http('model.json', { fetchFunc }))
    const rows = [
      [0.1, 0.9, -0.3, 0.4],
      [1.2, -0.5, 0.2, 0.1],
    ]
    const theirs = tf.tidy(() => (model.predict(tf.tensor(rows), {}) as tf.Tensor).dataSync())
    const { openModel } = await import('#simulations/open-model.js')
    const own = await openModel(at('.tributary/runs', runId, 'model.bundle'), 'cpu')
    const predicted = await own.predict(Float32Array.from(rows.flat()))
    own.dispose()
    const ours = predicted.flatMap(({ probabilities }) => probabilities)
    expect(ours).toHaveLength(6)
    for (const [i, probability] of ours.entries()) expect(theirs[i]).toBeCloseTo(probability, 6)
  })

  it('writes safetensors that come back as the same bundle', async () => {
    await exported('--out', 'whole')
    const { result } = await exported('--format', 'safetensors', '--out', 'tensors')
    const back = await run('models', 'import', text(result['model']), '--out', 'back.bundle')
    expect(back.errorText).toBe('')
    const [original, again] = [at('whole', 'model.bundle'), at('back.bundle')]
    expect((await readFile(again)).equals(await readFile(original))).toBe(true)
  })

  it('writes what was measured, as tables and as event files', async () => {
    const csv = await exported('--out', 'tables', '--metrics', 'csv')
    expect(csv.result['metrics']).toEqual(['tables/rounds.csv', 'tables/clients.csv'])
    const { rounds } = await readJson<RunRecord>(at('tables', 'record.json'))
    const rows = parse(await readFile(at('tables', 'rounds.csv')), { columns: true })
    expect(rows).toHaveLength(rounds.length)
    const last = rows.at(-1) as Record<string, string>
    expect(Number(last['federated/accuracy'])).toBe(rounds.at(-1)?.metrics['federated/accuracy'])
    const clients = parse(await readFile(at('tables', 'clients.csv')), { columns: true })
    expect(clients).toHaveLength(rounds.reduce((sum, { accepted }) => sum + accepted.length, 0))
    const events = await exported('--out', 'events', '--metrics', 'tensorboard')
    expect(events.result['metrics']).toEqual(['events/tensorboard'])
    expect((await readdir(at('events', 'tensorboard'))).sort()).toEqual([
      ...['run', 'slot-0', 'slot-1', 'slot-2'],
    ])
    const [file] = await readdir(at('events', 'tensorboard', 'run'))
    expect(file).toContain('tfevents')
  })

  it('says what a format cannot express, and writes nothing then', async () => {
    const model = { name: 'vit', patchSize: 2, width: 4, depth: 1, heads: 2 }
    const data = { ...SIMULATED.data, path: 'glyphs:count=60', clients: 2 }
    const config = { ...SIMULATED, model, data, rounds: 1, evaluation: {} }
    await writeFile(at('vit.json'), JSON.stringify(config))
    const simulated = await run('simulate', 'vit.json', '--workers', '0')
    expect(simulated.errorText).toBe('')
    const id = text(simulated.result['runId'])
    const refused = await run('runs', 'export', id, '--local', '--format', 'tfjs', '--out', 'none')
    expect(refused.status).toBe(2)
    expect(refused.errorText).toContain('model/not-expressible')
    expect(refused.errorText).toContain('its step patch is no layer of TensorFlow.js')
    await expect(readdir(at('none'))).rejects.toThrow('ENOENT')
  })
})

describe('runs of a coordinator', () => {
  const share = (shard: number): readonly string[] => [
    ...['--data', `synthetic:${BLOBS}`, '--partition', 'iid:seed=1', '--shard', `${shard}/3`],
  ]

  it('wait and say why, over-select, stop, resume, and are exported', async () => {
    const coordinator = await startCoordinator(directory.path)
    const remote = ['--data-dir', coordinator.dataDir]
    const config = {
      ...CONFIG,
      task: { inputShape: [4], classes: ['0', '1', '2'] },
      cohort: {
        ...{ size: 2, minReporters: 2, overSelect: 1.5, deadline: 'adaptive' },
        ...{ deadlineSeconds: 120, graceSeconds: 20, attempts: 5 },
      },
      rounds: 4,
    }
    await writeFile(at('deployed.json'), JSON.stringify(config))
    await joinNode(directory.path, coordinator, { name: 'a', data: share(1) })
    const started = await run('runs', 'start', 'deployed.json', ...remote)
    expect(started.errorText).toBe('')
    const runId = text(started.result['runId'])
    const lineOf = async () => {
      const { result } = await run('runs', 'list', ...remote)
      return (result['runs'] as readonly { state: string; reason: string | null }[])[0]
    }
    expect(await lineOf()).toMatchObject({
      state: 'waiting',
      reason: '1 of at least 2 members are available',
    })
    expect((await run('runs', 'stop', runId, ...remote)).status).toBe(0)
    expect(await lineOf()).toMatchObject({ state: 'stopped', reason: 'Stopped by a person' })
    await joinNode(directory.path, coordinator, { name: 'b', data: share(2) })
    await joinNode(directory.path, coordinator, { name: 'c', data: share(3) })
    expect((await run('runs', 'resume', runId, ...remote)).status).toBe(0)
    const watched = await start(['runs', 'watch', runId, ...remote]).ended
    expect(watched.status).toBe(0)
    const target = ['--out', at('deployed'), '--format', 'tfjs', '--metrics', 'csv']
    const exported = await run('runs', 'export', runId, ...remote, ...target)
    expect(exported.errorText).toBe('')
    const record = await readJson<RunRecord>(at('deployed', 'record.json'))
    expect(record.state).toBe('finished')
    const trained = record.rounds.filter(({ round }) => round > 0)
    expect(trained).toHaveLength(4)
    for (const { cohort, accepted, paceMs } of trained) {
      expect(cohort).toEqual([0, 1, 2])
      expect(accepted).toHaveLength(2)
      expect(paceMs).toBeGreaterThan(0)
    }
    const { result } = await run('simulate', '--replay', at('deployed', 'record.json'))
    expect(result['modelHash']).toBe(record.modelHash)
  }, 120_000)
})
