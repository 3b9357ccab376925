import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBundle, bundleHash, float32Of } from '#protocol/bundle.js'
import type { NodeJournal } from '#client/journal.js'
import { readModelFile } from '#algorithms/model-file.js'
import {
  BIN,
  endAll,
  joinNode,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Running,
} from './harness.js'

const DATA = (shard: number): readonly string[] => [
  ...['--data', 'mnist', '--limit', '200', '--partition', 'iid:seed=3', '--shard', `${shard}/2`],
]
const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
const ROUNDS = 2
/** Widths behind which the model is cut: round 1 at the deeper, round 2 at the shallower. */
const WIDTHS = [4, 6] as const
/** 200 examples, two nodes, a tenth of them for testing. */
const EXAMPLES = 90
const REVEALING = {
  name: 'revealing',
  task: { inputShape: [28, 28, 1], classes: CLASSES },
  model: { name: 'mlp', hidden: [6, 4] },
  method: { name: 'fedd2s', interval: 1 },
  training: { localEpochs: 1, batchSize: 30, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 2, graceSeconds: 1, deadlineSeconds: 200 },
  compute: { backend: 'cpu', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
const PLAIN = { ...REVEALING, name: 'plain', method: { name: 'fedavg' } }

type Line = Readonly<Record<string, unknown>>

describe('what the owner of a node decides and sees', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let coordinator: Awaited<ReturnType<typeof startCoordinator>>
  let remote: readonly string[]
  const nodes: Record<string, Running> = {}
  const run = (...args: readonly string[]) => tributary(args, { cwd: directory.path })
  const at = (name: string): string => join(directory.path, name)
  const stateOf = (name: string): readonly string[] => ['--state-dir', at(name)]
  const write = async (name: string, value: object): Promise<void> =>
    writeFile(at(name), JSON.stringify(value))
  /** What a person reads on a terminal. */
  const words = (...args: readonly string[]): string =>
    spawnSync(process.execPath, [BIN, ...args], { cwd: directory.path }).stderr.toString()
  const startRun = async (config: string): Promise<string> => {
    const { result, errorText } = await run('runs', 'start', config, ...remote)
    expect(errorText).toBe('')
    return String(result['runId'])
  }
  const watch = (runId: string): Running =>
    start(['runs', 'watch', runId, ...remote], { cwd: directory.path })
  const joinWith = async (name: string, ...flags: readonly string[]): Promise<void> => {
    const isBack = nodes[name] !== undefined
    await nodes[name]?.kill('SIGTERM')
    const data = [...DATA(name === 'a' ? 1 : 2), ...flags]
    nodes[name] = await joinNode(directory.path, coordinator, { name, data, enrol: !isBack })
  }
  const journalOf = async (name: string): Promise<NodeJournal> =>
    (await run('client', 'journal', ...stateOf(name))).result as unknown as NodeJournal
  /** Resolves when the node knows what became of its update of a round. */
  const settled = (name: string, round: number): Promise<Line> =>
    nodes[name]!.line((line) => line['event'] === 'task:settled' && line['round'] === round)
  const waiting = (why: RegExp) => (line: Line) =>
    line['event'] === 'run:waiting' && why.test(String(line['reason']))

  let told: string
  let first: Line
  let refused: Line
  let whileRunning: Awaited<ReturnType<typeof tributary>>
  let journals: Readonly<Record<string, NodeJournal>>

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await write('revealing.json', REVEALING)
    await write('plain.json', PLAIN)
    await write('allowing.json', { perExample: true })
    coordinator = await startCoordinator(directory.path)
    remote = ['--data-dir', coordinator.dataDir]
    await joinWith('a', '--allow-per-example')
    await joinWith('b')
    told = words('runs', 'start', 'revealing.json', ...remote)
    const runId = /Started (run-\w+)/.exec(told)?.[1] ?? ''
    const watching = watch(runId)
    first = await watching.line(waiting(/./))
    refused = await watching.event('member:refused')
    await joinWith('b', '--policy', at('allowing.json'))
    await watching.ended
    for (const node of ['a', 'b']) await settled(node, ROUNDS)
    whileRunning = await run('client', 'export', '--out', 'a.bundle', ...stateOf('a'))
    journals = { a: await journalOf('a'), b: await journalOf('b') }
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  describe('a run of a method that uploads about single examples', () => {
    it('is started with what clients give away, and what owners must allow', () => {
      expect(told).toMatch(/What clients give away\. .*true label/)
      expect(told).toContain('must be joined with --allow-per-example')
      expect(told.indexOf('What clients')).toBeLessThan(told.indexOf('Started run-'))
    })

    it('waits for owners who allow it, and says why; then it goes on', () => {
      expect(first).toMatchObject({
        reason:
          '1 of at least 2 members are available. 1 of 2 connected nodes does not allow uploads about single examples (per-example). Their owners can: join again with --allow-per-example',
      })
      expect(refused).toMatchObject({ name: 'b', code: 'policy/refused' })
      for (const { runs } of Object.values(journals)) {
        expect(runs).toMatchObject([{ name: 'revealing' }])
        expect(runs[0]?.tasks.map(({ round, fate }) => [round, fate])).toEqual([
          [1, 'accepted'],
          [2, 'accepted'],
        ])
      }
    })

    it('leaves as many bytes about single examples as the formula says, in the journal', () => {
      const bytes = WIDTHS.map((width) => EXAMPLES * (4 * width + 1))
      for (const { runs } of Object.values(journals)) {
        const perExample = (runs[0]?.tasks ?? []).map((task) => task.bytes['per-example'])
        expect(perExample).toEqual(bytes)
        expect(runs[0]?.bytes['per-example']).toBe(bytes.reduce((sum, count) => sum + count, 0))
        expect(Object.keys(runs[0]?.bytes ?? {}).sort()).toEqual(['metrics', 'per-example'])
      }
      const text = words('client', 'journal', ...stateOf('a'))
      expect(text).toMatch(/revealing +1 +method +fedd2s +counted +[\d,]+ +1,530/)
    })
  })

  describe('the personal model', () => {
    it('is exported while the node runs, as a file that models commands take', async () => {
      const { result, status } = whileRunning
      expect(status).toBe(0)
      expect(result).toMatchObject({
        ...{ event: 'client:export:finished', name: 'revealing', method: 'fedd2s', slot: 0 },
        parameters: 784 * 6 + 6 + 6 * 4 + 4 + 4 * 10 + 10,
      })
      expect(words('models', 'inspect', 'a.bundle')).toContain('input 28 × 28 × 1, 10 classes')
      const scored = await run('models', 'evaluate', 'a.bundle', '--data', 'mnist', '--limit', '20')
      expect(scored.result).toMatchObject({ event: 'models:evaluate:finished', examples: 20 })
      const { bundle } = readModelFile(await readFile(at('a.bundle')))
      const params = bundle.tensors.map(({ name, shape }) => ({
        ...{ name, shape, dtype: 'float32' as const, data: float32Of(bundle, name) },
      }))
      expect(bundleHash(makeBundle(params))).toBe(result['sha256'])
    })

    it('is each node’s own, and is there when the node is not', async () => {
      await nodes['b']?.kill('SIGTERM')
      const flags = ['--run', 'revealing', '--out', 'b.bundle', ...stateOf('b')]
      const { result } = await run('client', 'export', ...flags)
      expect(result['slot']).toBe(1)
      expect(result['sha256']).not.toBe(whileRunning.result['sha256'])
      await joinWith('b', '--only-methods', 'fedd2s,local-only')
    })
  })

  describe('a run of another method', () => {
    it('waits for who takes part only in other methods, or in larger rounds', async () => {
      const watching = watch(await startRun('plain.json'))
      expect(await watching.event('run:waiting')).toMatchObject({
        reason: expect.stringContaining('does not allow fedavg, only fedd2s, local-only') as string,
      })
      await joinWith('b', '--min-cohort', '3')
      await watching.line(waiting(/fewer than 3 members \(this one has 2\)/))
      await joinWith('b', '--min-cohort', '2')
      await watching.ended
      await settled('b', ROUNDS)
    })

    it('keeps no personal model, and the export says so', async () => {
      const { status, errorText } = await run(
        ...['client', 'export', '--run', 'latest', '--out', 'c.bundle'],
        ...stateOf('b'),
      )
      expect(status).toBe(2)
      expect(errorText).toContain('model/not-personal')
      expect(errorText).toContain('fedavg trains one that all clients share')
      const { result } = await run('client', 'status', ...stateOf('b'))
      expect(result).toMatchObject({
        policy: { perExample: false, methods: null, minCohort: 2 },
        runs: [
          { name: 'revealing', slot: 1, hasMemory: true, personalModel: 'kept' },
          { name: 'plain', method: 'fedavg', hasMemory: false, personalModel: 'none' },
        ],
      })
      const text = words('client', 'status', ...stateOf('b'))
      expect(text).toMatch(/revealing +run-\w+ +fedd2s +1 +2 +yes +yes/)
    })
  })

  it('is refused when the policy file is wrong, with the key', async () => {
    await write('wrong.json', { perExample: true, minCohorts: 2 })
    const join = ['client', 'join', coordinator.url, '--data', 'mnist', '--policy', 'wrong.json']
    const { status, errorText } = await run(...join, ...stateOf('c'))
    expect(status).toBe(2)
    expect(errorText).toContain('config/invalid: In the policy: minCohorts: unknown key')
  })

  it('is said to who simulates, too: in words, and as an event', async () => {
    const data = { name: 'synthetic', clients: 2, partition: 'iid' }
    const { task: _task, ...rest } = REVEALING
    await write('simulated.json', { ...rest, rounds: 1, data })
    const { lines } = await run('simulate', 'simulated.json', '--workers', '0')
    const places = ['run:reveals', 'round:closed'].map((name) =>
      lines.findIndex(({ event }) => event === name),
    )
    expect(places[0]).toBeGreaterThanOrEqual(0)
    expect(places[0]).toBeLessThan(places[1] ?? 0)
    expect(lines[places[0] ?? 0]).toMatchObject({ classes: ['per-example'] })
    expect(words('simulate', 'simulated.json', '--workers', '0')).toMatch(/What clients give away/)
  })
})
