import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { openAllClients } from '#data/index.js'
import { readModelFile } from '#algorithms/model-file.js'
import { paramsOf } from '#algorithms/models/params.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import {
  BIN,
  endAll,
  joinNode,
  readJson,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Running,
} from './harness.js'

const NAMES = ['a', 'b', 'c', 'd']
const SOURCE = { data: 'mnist', limit: 4000, partition: 'dirichlet:0.1:min=20:seed=7' }
const DATA = (shard: number): readonly string[] => [
  ...['--data', SOURCE.data, '--limit', String(SOURCE.limit)],
  ...['--partition', SOURCE.partition, '--shard', `${shard}/4`],
]
const ROUNDS = 3
const WIDTH = 16
/** Statistics of one class: 1 + d + d(d + 1)/2 numbers of 8 bytes, and which class it is. */
const CLASS_BYTES = 8 * (1 + WIDTH + (WIDTH * (WIDTH + 1)) / 2) + 4
const CONFIG = {
  name: 'four-nodes',
  task: { inputShape: [28, 28, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  model: { name: 'mlp', hidden: [32, WIDTH] },
  training: { localEpochs: 1, batchSize: 32, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 3, graceSeconds: 1, deadlineSeconds: 200 },
  evaluation: { central: { name: 'mnist', limit: 1000 } },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}

type Line = Readonly<Record<string, unknown>>
const isEvent =
  (event: string, matches: (line: Line) => boolean = () => true) =>
  (line: Line): boolean =>
    line['event'] === event && matches(line)
const calibrationOf = (record: RunRecord): RoundRecord => {
  const round = record.rounds.find(({ part }) => part === 'calibration')
  if (round === undefined) throw new Error('Expected a round of calibration')
  return round
}
const accepted = (round: RoundRecord): readonly number[] => round.accepted.map(({ slot }) => slot)

describe('CCVR on real processes', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let coordinator: Awaited<ReturnType<typeof startCoordinator>>
  let remote: readonly string[]
  const nodes: Running[] = []
  const run = (...args: readonly string[]) => tributary(args, { cwd: directory.path })
  /** What a person reads on a terminal. */
  const words = (...args: readonly string[]): string =>
    spawnSync(process.execPath, [BIN, ...args], { cwd: directory.path }).stderr.toString()
  const join4 = async (): Promise<void> => {
    for (const [i, name] of NAMES.entries())
      nodes.push(await joinNode(directory.path, coordinator, { name, data: DATA(i + 1) }))
  }
  const comeBack = async (): Promise<void> => {
    nodes[3] = await joinNode(directory.path, coordinator, {
      ...{ name: 'd', data: DATA(4), enrol: false },
    })
  }
  const startRun = async (...set: readonly string[]): Promise<string> => {
    const options = set.length === 0 ? [] : ['--set', ...set]
    const started = await run('runs', 'start', 'config.json', ...options, ...remote)
    expect(started.errorText).toBe('')
    return String(started.result['runId'])
  }
  const watch = (runId: string): Running =>
    start(['runs', 'watch', runId, ...remote], { cwd: directory.path })
  /** The run's files, after its end. */
  const exported = async (runId: string) => {
    const out = join(directory.path, runId)
    await run('runs', 'export', runId, ...remote, '--out', out)
    return { out, record: await readJson<RunRecord>(join(out, 'record.json')) }
  }
  const paramsAt = async (...path: readonly string[]): Promise<Float32Array> => {
    const { model, bundle } = readModelFile(await readFile(join(...path)))
    return paramsOf(model, bundle)
  }
  /** Params before the head. */
  const extractorParams = async (path: string): Promise<number> =>
    extractorOf(readModelFile(await readFile(path)).model).layout.parameterCount
  const expectReplay = async (out: string, record: RunRecord): Promise<void> => {
    const file = join(out, 'record.json')
    const replay = await run('simulate', '--workers', '0', '--replay', file)
    expect(replay.result).toMatchObject({ same: true, modelHash: record.modelHash })
  }

  let plain: Awaited<ReturnType<typeof exported>>
  let whole: Awaited<ReturnType<typeof exported>>
  let wholeSummary: Line

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'config.json'), JSON.stringify(CONFIG))
    coordinator = await startCoordinator(directory.path)
    remote = ['--data-dir', coordinator.dataDir]
    await join4()
    const trained = await startRun()
    await watch(trained).ended
    plain = await exported(trained)
    const both = await startRun('calibration.name=ccvr')
    wholeSummary = (await watch(both).ended).result
    whole = await exported(both)
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  describe('FedAvg and then CCVR in one configuration', () => {
    it('trains as without it, then asks everyone once and releases a better model', () => {
      const { rounds } = whole.record
      expect(rounds.map(({ part }) => part)).toEqual([
        ...Array<string>(ROUNDS + 1).fill('method'),
        'calibration',
      ])
      expect(rounds.slice(0, -1).map(({ modelHash }) => modelHash)).toEqual(
        plain.record.rounds.map(({ modelHash }) => modelHash),
      )
      const calibrated = calibrationOf(whole.record)
      expect(accepted(calibrated)).toEqual([0, 1, 2, 3])
      expect(calibrated.diagnostics?.calibration).toMatchObject({
        ...{ answered: [0, 1, 2, 3], missing: [] },
      })
      const before = plain.record.rounds.at(-1)?.metrics['accuracy'] ?? 0
      expect(wholeSummary['calibration']).toMatchObject({
        ...{ before, after: calibrated.metrics['accuracy'], answered: 4, asked: 4, without: [] },
      })
      expect(calibrated.metrics['accuracy']).toBeGreaterThan(before + 0.02)
      expect(calibrated.metrics['recall/0']).toBeGreaterThanOrEqual(0)
    })

    it('leaves the extractor as it was, bit for bit', async () => {
      const file = join(whole.out, 'model.bundle')
      const [before, after] = [await paramsAt(plain.out, 'model.bundle'), await paramsAt(file)]
      const count = await extractorParams(file)
      expect(after.length - count).toBe(10 * WIDTH + 10)
      expect(after.subarray(0, count)).toEqual(before.subarray(0, count))
      expect(after.subarray(count)).not.toEqual(before.subarray(count))
    })

    it('sends as many bytes as the formula says, and a header', async () => {
      const clients = await openAllClients({ ...SOURCE, clients: 4, testFraction: 0.1 })
      const held = clients.map(
        ({ train: { source, indices } }) =>
          new Set([...indices].map((row) => source.labels[row])).size,
      )
      expect(Math.min(...held)).toBeLessThan(10)
      for (const [i, name] of NAMES.entries()) {
        const { result } = await run('client', 'status', '--state-dir', join(directory.path, name))
        expect(result['bytesSent']).toMatchObject({ statistics: held[i]! * CLASS_BYTES })
      }
      const payload = held.reduce((sum, classes) => sum + classes, 0) * CLASS_BYTES
      const { bytesUp } = calibrationOf(whole.record)
      expect(bytesUp).toBeGreaterThan(payload)
      expect(bytesUp - payload).toBeLessThan(4 * 1500)
    })

    it('replays to the same hash', () => expectReplay(whole.out, whole.record))
  })

  describe('runs calibrate', () => {
    let calibrated: Awaited<ReturnType<typeof exported>>
    let result: Line
    let text = ''
    beforeAll(async () => {
      const { runId } = plain.record
      const done = await run('runs', 'calibrate', runId, '--watch', ...remote)
      expect(done.errorText).toBe('')
      result = done.result
      calibrated = await exported(String(result['runId']))
      text = words('runs', 'show', String(result['runId']), ...remote)
    })

    it('makes a new run that starts from the finished one', () => {
      expect(calibrated.record).toMatchObject({
        ...{ name: 'four-nodes calibrated', state: 'finished' },
        config: { rounds: 0, startFrom: plain.record.modelHash },
      })
      expect(calibrated.record.rounds.map(({ part }) => part)).toEqual(['method', 'calibration'])
      const before = plain.record.rounds.at(-1)?.metrics['accuracy']
      expect(result).toMatchObject({
        ...{ event: 'runs:calibrate:finished', of: plain.record.runId, absent: [] },
        calibration: { before, answered: 4 },
      })
      expect(Number((result['calibration'] as Line)['gain'])).toBeGreaterThan(0.02)
      expect(text).toMatch(/before, .* after/)
    })

    it('leaves the extractor as it was, and everything that a replay needs', async () => {
      const { out, record } = calibrated
      const [before, after] = [
        await paramsAt(out, 'start.bundle'),
        await paramsAt(out, 'model.bundle'),
      ]
      const count = await extractorParams(join(out, 'model.bundle'))
      expect(after.subarray(0, count)).toEqual(before.subarray(0, count))
      await expectReplay(out, record)
    })

    it('is one of the runs that are listed', async () => {
      const listed = await run('runs', 'list', ...remote)
      expect(listed.status).toBe(0)
      const runs = listed.result['runs'] as readonly Line[]
      expect(runs).toContainEqual(
        expect.objectContaining({ name: 'four-nodes calibrated', round: 0, rounds: 0 }),
      )
    })

    it('is refused while the run is under way, and says what to do', async () => {
      const waiting = await startRun('cohort.minReporters=5')
      const refused = await run('runs', 'calibrate', waiting, ...remote)
      expect(refused).toMatchObject({ status: 1, result: { code: 'run/under-way' } })
      expect(refused.errorText).toContain('runs stop')
      await run('runs', 'stop', waiting, ...remote)
    })

    it('tells what clients give away before it starts, and takes options of the calibration', async () => {
      const { runId } = plain.record
      const set = ['--set', 'calibration.covMode=none', '--watch', ...remote]
      expect(words('runs', 'calibrate', runId, ...set)).toMatch(/histogram[^]*minCount[^]*covMode/)
      const bad = await run(
        'runs',
        'calibrate',
        runId,
        '--set',
        'calibration.covMode=half',
        ...remote,
      )
      expect(bad).toMatchObject({ status: 2, result: { code: 'config/unknown-name' } })
    })

    it('works on a simulated run, and refuses one whose method releases no model', async () => {
      const data = { name: 'mnist', limit: 1000, partition: SOURCE.partition, clients: 4 }
      await writeFile(join(directory.path, 'simulated.json'), JSON.stringify({ ...CONFIG, data }))
      const simulated = await run(
        'simulate',
        'simulated.json',
        '--workers',
        '0',
        '--set',
        'rounds=1',
      )
      const id = String(simulated.result['runId'])
      const done = await run('runs', 'calibrate', id, '--workers', '0')
      expect(done.result).toMatchObject({ of: id, state: 'finished', calibration: { answered: 4 } })
      const files = join(directory.path, '.tributary', 'runs')
      const record = await readJson<RunRecord>(
        join(files, String(done.result['runId']), 'record.json'),
      )
      await expectReplay(join(files, record.runId), record)
      const fedins = { ...record, config: { ...record.config, method: { name: 'fedins' } } }
      await writeFile(join(directory.path, 'fedins.json'), JSON.stringify(fedins))
      const refused = await run('runs', 'calibrate', 'fedins.json')
      expect(refused).toMatchObject({ status: 2, result: { code: 'config/impossible' } })
      expect(refused.errorText).toContain('fedins releases neither')
    })
  })

  describe('a node that dies in the round of statistics', () => {
    /**
     * A calibration that one node cannot answer: the process stands still before the round opens, and is killed when all
     * others have answered.
     */
    const calibrateWithout = async (deadlineSeconds: number) => {
      nodes[3]!.child.kill('SIGSTOP')
      const set = ['--set', `cohort.deadlineSeconds=${deadlineSeconds}`]
      const begun = await run('runs', 'calibrate', plain.record.runId, ...set, ...remote)
      const runId = String(begun.result['runId'])
      const watching = watch(runId)
      for (const slot of [0, 1, 2])
        await watching.line(isEvent('update:accepted', (line) => line['slot'] === slot))
      await nodes[3]!.kill('SIGKILL')
      const waiting = await watching.line(isEvent('round:waiting-for'))
      expect(waiting).toMatchObject({ round: 1, slots: [3] })
      return { runId, watching }
    }

    it('is waited for until the deadline, and the run ends without it', async () => {
      const { runId, watching } = await calibrateWithout(20)
      const { result } = await watching.ended
      expect(result).toMatchObject({
        state: 'finished',
        calibration: { answered: 3, without: ['d'] },
      })
      const { out, record } = await exported(runId)
      const round = calibrationOf(record)
      expect([round.cohort, accepted(round)]).toEqual([
        [0, 1, 2, 3],
        [0, 1, 2],
      ])
      expect(round.durationMs).toBeGreaterThanOrEqual(20_000)
      expect(round.diagnostics?.calibration).toMatchObject({ answered: [0, 1, 2], missing: [3] })
      expect(words('runs', 'show', runId, ...remote)).toMatch(/without +d: asked/)
      await expectReplay(out, record)
    })

    it('is not asked in a run that begins while it is away, and the command says so', async () => {
      const done = await run('runs', 'calibrate', plain.record.runId, '--watch', ...remote)
      expect(done.result).toMatchObject({ absent: ['d'], calibration: { answered: 3, asked: 3 } })
      const short = ['--set', 'calibration.covMode=none', ...remote]
      expect(words('runs', 'calibrate', plain.record.runId, ...short)).toContain(
        'Not connected: d.',
      )
      await comeBack()
    })

    it('is in when it comes back before the deadline', async () => {
      const { runId, watching } = await calibrateWithout(200)
      await comeBack()
      const { result } = await watching.ended
      expect(result).toMatchObject({ state: 'finished', calibration: { answered: 4, without: [] } })
      const { out, record } = await exported(runId)
      expect(accepted(calibrationOf(record))).toEqual([0, 1, 2, 3])
      await expectReplay(out, record)
    })

    it('is asked, and waited for, though it died while the model was trained', async () => {
      nodes[3]!.child.kill('SIGSTOP')
      const runId = await startRun('calibration.name=ccvr')
      const watching = watch(runId)
      for (const slot of [0, 1, 2])
        await watching.line(isEvent('update:accepted', (line) => line['slot'] === slot))
      await nodes[3]!.kill('SIGKILL')
      await watching.line(isEvent('round:waiting-for', (line) => line['round'] === ROUNDS + 1))
      await comeBack()
      await watching.ended
      const { out, record } = await exported(runId)
      const members = record.rounds.slice(1).map(accepted)
      expect(members).toEqual([...Array<number[]>(ROUNDS).fill([0, 1, 2]), [0, 1, 2, 3]])
      await expectReplay(out, record)
    })
  })

  it('is refused after a method without a shared head', async () => {
    const set = ['--set', 'calibration.name=ccvr', 'method.name=fedins', 'startFrom=null']
    const refused = await run('runs', 'start', 'config.json', ...set, ...remote)
    expect(refused.status).toBe(2)
    expect(refused.errorText).toContain('The calibration ccvr needs an extractor and a head')
  })
})
