import { spawnSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import {
  endAll,
  joinNode,
  readJson,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Running,
} from './harness.js'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const SHIFT = 'mixed:none,rotate=90+invert,contrast=0.5,rotate=180+invert'
const SOURCE = 'synthetic:digits:count=400:seed=3:side=12'
const DATA = (shard: number): readonly string[] => [
  ...['--data', SOURCE, '--shift', SHIFT],
  ...['--partition', 'dirichlet:1:min=20:seed=7', '--shard', `${shard}/4`],
]
const ENTRIES = 4
const WIDTHS = [24, 16]
const CLASSES = 10
const ROUNDS = 4
const CENTRAL = { name: 'synthetic', path: 'digits:count=400:seed=3:side=12', shift: SHIFT }
const CONFIG = {
  name: 'four-nodes',
  task: { inputShape: [12, 12, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  model: { name: 'mlp', hidden: WIDTHS, activation: 'gelu', closingNorm: true },
  startFrom: { file: 'backbone.bundle' },
  method: { name: 'fedins', poolSize: ENTRIES, topK: 1 },
  training: { localEpochs: 2, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.5 } },
  cohort: { all: true, minReporters: 4, graceSeconds: 100, deadlineSeconds: 120 },
  evaluation: { central: CENTRAL, federated: true },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
/** P of specification §10: scales and shifts of three sites, keys, heads; float32. */
const [FIRST, D] = [WIDTHS[0]!, WIDTHS[1]!]
const POOL_BYTES = 4 * ENTRIES * (2 * (FIRST + D + D) + D + CLASSES * D + CLASSES)
/** What else a training update holds: usage of each entry and the mean similarity; the score where it rides along. */
const ROUTING_BYTES = 4 * (ENTRIES + 1)

describe('FedIns on real processes', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let coordinator: Awaited<ReturnType<typeof startCoordinator>>
  let nodes: Running[] = []
  let record: RunRecord
  let out = ''
  let restarted: Running
  /** With caches of its own, so that nothing is there from another time. */
  const runWith = (cache: string, ...args: readonly string[]) =>
    tributary(args, {
      cwd: directory.path,
      env: { XDG_CACHE_HOME: join(directory.path, cache) },
    })
  const run = (...args: readonly string[]) => runWith('cache', ...args)

  beforeAll(async () => {
    directory = await temporaryDirectory()
    const pretrained = await run(
      ...['models', 'pretrain', '--data', 'synthetic:digits:count=600:seed=9:side=12'],
      ...['--shift', SHIFT, '--labels', 'joint', '--epochs', '8', '--out', 'backbone.bundle'],
      ...['--backend', 'wasm', '--set', `model=${JSON.stringify(CONFIG.model)}`],
    )
    expect(pretrained.errorText).toBe('')
    await writeFile(join(directory.path, 'config.json'), JSON.stringify(CONFIG))
    coordinator = await startCoordinator(directory.path)
    const names = ['a', 'b', 'c', 'd']
    nodes = await Promise.all(
      names.map((name, i) => joinNode(directory.path, coordinator, { name, data: DATA(i + 1) })),
    )
    const dataDir = ['--data-dir', coordinator.dataDir]
    const started = await run('runs', 'start', 'config.json', ...dataDir)
    expect(started.errorText).toBe('')
    const runId = String(started.result['runId'])
    const watch = start(['runs', 'watch', runId, ...dataDir])
    // One node dies once it has the backbone, and comes back from its state directory. No round closes without it.
    await nodes[3]!.event('update:sending')
    await nodes[3]!.kill('SIGKILL')
    restarted = await joinNode(directory.path, coordinator, {
      ...{ name: 'd', data: DATA(4), enrol: false },
    })
    await watch.ended
    out = join(directory.path, 'export')
    await run('runs', 'export', runId, ...dataDir, '--out', out)
    record = await readJson<RunRecord>(join(out, 'record.json'))
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('finishes, and the node that was killed took part again', () => {
    expect(record.state).toBe('finished')
    const training = record.rounds.filter(({ purpose }) => purpose === 'train')
    expect(training).toHaveLength(ROUNDS)
    expect(training.at(-1)?.accepted.map(({ slot }) => slot)).toEqual([0, 1, 2, 3])
  })

  it('tells how inputs were routed', () => {
    const last = record.rounds.findLast(({ purpose }) => purpose === 'train')
    const usage = Array.from(
      { length: ENTRIES },
      (_, m) => last?.metrics[`routing/usage/${m}`] ?? 0,
    )
    expect(usage.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
    expect(last?.metrics['routing/effectiveEntries']).toBeGreaterThanOrEqual(1)
    expect(last?.metrics['routing/mutualInformation']).toBeGreaterThanOrEqual(0)
    expect(last?.metrics['accuracy/domain/none']).toBeGreaterThan(0)
  })

  it('sends each node the backbone once, whatever happens to it', () => {
    for (const node of nodes)
      expect(node.lines.filter(({ event }) => event === 'asset:fetched')).toHaveLength(1)
    expect(restarted.lines.some(({ event }) => event === 'update:sending')).toBe(true)
    expect(restarted.lines.some(({ event }) => event === 'asset:fetched')).toBe(false)
  })

  it('sends as many bytes as the formula says, and a header', async () => {
    const { result } = await run('client', 'status', '--state-dir', join(directory.path, 'a'))
    // One update a training round, and scores alone in the last round.
    const sent = nodes[0]!.lines.filter(({ event }) => event === 'update:sending').length - 1
    expect(sent).toBeGreaterThanOrEqual(ROUNDS)
    expect(result['bytesSent']).toMatchObject({
      'model-delta': sent * POOL_BYTES,
      statistics: sent * ROUTING_BYTES,
    })
    for (const { accepted, bytesUp, purpose } of record.rounds) {
      if (purpose !== 'train') continue
      const each = bytesUp / accepted.length
      expect(each).toBeGreaterThan(POOL_BYTES + ROUTING_BYTES)
      expect(each - POOL_BYTES - ROUTING_BYTES).toBeLessThan(3000)
    }
  })

  it('replays to the same hash, from the bundle beside its record', async () => {
    const file = join(out, 'record.json')
    const replay = await runWith('empty', 'simulate', '--workers', '1', '--replay', file)
    expect(replay.errorText).not.toContain('error')
    expect(replay.result).toMatchObject({ same: true, modelHash: record.modelHash })
  })

  it('says where it looked for a bundle that is nowhere', async () => {
    const alone = join(directory.path, 'alone.json')
    await writeFile(alone, JSON.stringify({ ...record, kind: 'simulated' }))
    const replay = await runWith('empty', 'simulate', '--replay', alone)
    expect(replay).toMatchObject({ status: 2, result: { code: 'model/not-found' } })
    expect(replay.errorText).toContain('neither in start.bundle beside its record nor in the cache')
  })

  it('leaves files that predict by themselves, input by input', async () => {
    const model = join(out, 'model.bundle')
    const data = ['--data', SOURCE, '--shift', SHIFT]
    const evaluated = await run('models', 'evaluate', model, ...data)
    const last = record.rounds.findLast(({ metrics }) => 'accuracy' in metrics)
    expect(evaluated.result['accuracy']).toBeCloseTo(last?.metrics['accuracy'] ?? 0, 10)
    const predicted = await run('models', 'predict', model, ...data, '--limit', '5')
    const lines = predicted.lines.filter(({ event }) => event === 'models:prediction')
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(line['entries']).toHaveLength(1)
  })

  it('exports a small program that predicts row by row', async () => {
    const script = join(out, 'predict.mjs')
    expect(await readFile(script, 'utf8')).toContain("from 'tributary'")
    // As it is in a project that has the package installed.
    await mkdir(join(directory.path, 'node_modules'), { recursive: true })
    await symlink(PACKAGE, join(directory.path, 'node_modules', 'tributary'))
    const row = JSON.stringify(Array.from({ length: 144 }, (_, i) => (i % 12) / 12))
    const { stdout } = spawnSync(process.execPath, [script], { input: `${row}\n${row}\n` })
    const predictions = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { probabilities: number[]; entries: number[] })
    expect(predictions).toHaveLength(2)
    expect(predictions[0]).toEqual(predictions[1])
    expect(predictions[0]?.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
    expect(predictions[0]?.entries).toHaveLength(1)
  })

  it('merges a selection into a plain model that any command takes', async () => {
    const target = join(directory.path, 'merged.bundle')
    const model = join(out, 'model.bundle')
    const merged = await run('models', 'merge', model, '--entries', '1,2', '--out', target)
    expect(merged.result).toMatchObject({ event: 'models:merge:finished', entries: [1, 2] })
    const evaluated = await run('models', 'evaluate', target, '--data', SOURCE, '--shift', SHIFT)
    expect(evaluated.result['accuracy']).toBeGreaterThan(0)
    const beyond = await run('models', 'merge', model, '--entries', '9', '--out', target)
    expect(beyond).toMatchObject({ status: 2, result: { code: 'usage/bad-value' } })
  })

  it.concurrent.each([
    ['more entries chosen than there are', 'method.topK=5', /topK 5 is more than .*poolSize 4/],
    ['none chosen', 'method.topK=0', /method\.topK/],
    ['a weight beyond 1', 'method.keyWeight=1.5', /method\.keyWeight/],
    ['no backbone', 'startFrom=null', /frozen pre-trained backbone/],
  ])('refuses a run with %s before it begins', async (_, change, message) => {
    const dataDir = ['--data-dir', coordinator.dataDir]
    const refused = await run('runs', 'start', 'config.json', '--set', change, ...dataDir)
    expect(refused.status).toBe(2)
    expect(refused.errorText).toMatch(message)
  })

  it('runs in every degenerate setting, and from a backbone that is made on the way', async () => {
    const variants = {
      // Federated SSF, and a pool where routing is inert.
      'one-entry': { method: { poolSize: 1, topK: 1 } },
      'every-entry': { method: { topK: ENTRIES } },
      'keys-still': { method: { keyWeight: 0 } },
      'keys-alone': { method: { keyWeight: 1 } },
      'queries-centred': { method: { queryCentering: true } },
      'usage-and-rows': { method: { weighting: 'usage', upload: 'sparse' } },
    }
    const pretrain = { data: { ...CENTRAL, limit: 100 }, labels: 'joint', epochs: 2 }
    const study = {
      ...{ ...CONFIG, variants, rounds: 2, startFrom: { pretrain } },
      cohort: { ...CONFIG.cohort, minReporters: 2 },
      data: { ...CENTRAL, clients: 2, limit: 100 },
    }
    await writeFile(join(directory.path, 'study.json'), JSON.stringify(study))
    const simulated = await run('simulate', 'study.json', '--workers', '0')
    expect(simulated.errorText).not.toContain('error')
    expect(simulated).toMatchObject({ status: 0, result: { isComplete: true } })
    const named = (name: string) => simulated.lines.filter(({ event }) => event === name)
    expect(named('simulate:cell').map(({ variant }) => variant)).toEqual([
      'fedins',
      ...Object.keys(variants),
    ])
    // Once for all of them.
    expect([named('pretrain:started').length, named('pretrain:epoch').length]).toEqual([1, 2])
  })
})
