import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import type { Head } from '#coordinator/store/store.js'
import { mongoAbsence, startMongo, type MongoServer } from '#testing/mongo/server.js'
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

const DATA = (shard: number): readonly string[] => [
  ...['--data', 'mnist', '--limit', '2000'],
  ...['--partition', 'dirichlet:0.5:seed=7', '--shard', `${shard}/2`],
]
const ROUNDS = 12
const CONFIG = {
  name: 'moves',
  task: { inputShape: [28, 28, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  model: { name: 'mlp', hidden: [32] },
  method: { name: 'scaffold' },
  training: { localEpochs: 1, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 2, graceSeconds: 60, deadlineSeconds: 120 },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
const isRound = (event: string, round: number) => (line: Readonly<Record<string, unknown>>) =>
  line['event'] === event && line['round'] === round
const isClosed = (round: number) => (line: Readonly<Record<string, unknown>>) =>
  line['event'] === 'round:closed' && (line['record'] as { round: number }).round === round

async function headIn(backup: string): Promise<Head> {
  const lines = (await readFile(join(backup, 'records.jsonl'), 'utf8')).trim().split('\n')
  const records = lines.map((line) => JSON.parse(line) as { kind: string; head: Head })
  return records.find(({ kind }) => kind === 'run')!.head
}

describe.skipIf(mongoAbsence !== null)(`store commands: ${mongoAbsence ?? 'both stores'}`, () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let mongo: MongoServer
  beforeAll(async () => {
    directory = await temporaryDirectory()
    mongo = await startMongo()
  })
  afterEach(endAll)
  afterAll(async () => {
    await mongo.stop()
    await directory.remove()
  })
  const store = (...args: readonly string[]): Promise<Finished> => tributary(['store', ...args])
  const inPlace = (name: string): string => join(directory.path, name)

  it('a killed coordinator is checked, backed up and restored onto MongoDB, and its run ends as if nothing had been', async () => {
    const config = inPlace('config.json')
    await writeFile(config, JSON.stringify(CONFIG))
    const first = await startCoordinator(directory.path)
    const port = new URL(first.url).port
    await joinNode(directory.path, first, { name: 'a', data: DATA(1) })
    await store('verify', '--data-dir', first.dataDir).then(({ status, errorText }) => {
      expect(errorText).toContain('store/locked')
      expect(status).toBe(1)
    })
    const started = await tributary(['runs', 'start', config, '--data-dir', first.dataDir])
    const runId = String(started.result['runId'])
    const watch = start(['runs', 'watch', runId, '--data-dir', first.dataDir])
    // Rounds begin when they are watched: on a fast machine all could be over before the watch has started.
    await watch.event('run:waiting')
    await joinNode(directory.path, first, { name: 'b', data: DATA(2) })
    await watch.line(isRound('update:accepted', 3))
    await first.running.kill('SIGKILL')
    await watch.kill('SIGKILL')

    const sound = await store('verify', '--data-dir', first.dataDir)
    expect(sound.errorText).toBe('')
    expect(sound.result).toMatchObject({ event: 'store:verify:finished', damaged: 0 })
    const backup = inPlace('backup')
    const backedUp = await store('backup', backup, '--data-dir', first.dataDir)
    expect(backedUp.errorText).toBe('')
    const saved = await headIn(backup)
    expect(saved).toMatchObject({ state: 'PLANNED', openingHash: null })

    const [second, url] = [inPlace('second'), mongo.url()]
    const place = ['--data-dir', second, '--store', url]
    expect((await store('restore', backup, ...place)).errorText).toBe('')
    const again = await store('restore', backup, ...place)
    expect([again.status, again.errorText]).toEqual([2, expect.stringContaining('store/not-empty')])
    const wrong = await tributary(['coordinator', 'start', '--data-dir', second, '--port', '0'])
    expect([wrong.status, wrong.errorText]).toEqual([2, expect.stringContaining('store/elsewhere')])

    // The nodes are still there: they come back to the address that they know.
    const restored = start(['coordinator', 'start', ...place, '--port', port])
    await restored.event('coordinator:listening')
    const goesOn = start(['runs', 'watch', runId, '--data-dir', second])
    await goesOn.line(isClosed(5))
    // And once more, without a word to the store.
    await restored.kill('SIGKILL')
    const revived = start(['coordinator', 'start', ...place, '--port', port])
    await revived.event('coordinator:listening')
    expect((await goesOn.ended).result).toMatchObject({ state: 'finished', rounds: ROUNDS })
    await revived.kill('SIGTERM')

    const third = inPlace('third')
    const copied = await store('copy', ...place, '--to-data-dir', third)
    expect(copied.errorText).toBe('')
    const log = await tributary(['log', 'verify', '--data-dir', third])
    expect([log.status, log.errorText]).toEqual([0, ''])
    const last = start(['coordinator', 'start', '--data-dir', third, '--port', '0'])
    await last.event('coordinator:listening')
    const out = inPlace('export')
    await tributary(['runs', 'export', runId, '--data-dir', third, '--out', out])
    const record = await readJson<RunRecord>(join(out, 'record.json'))
    expect(record.rounds.map(({ round }) => round)).toEqual(
      Array.from({ length: ROUNDS + 1 }, (_, round) => round),
    )
    // What was open when the backup was made began anew there: nobody's update of that attempt counts.
    expect(record.rounds[saved.round]?.attempt).toBe(saved.attempt)
    const replay = await tributary(['simulate', '--replay', join(out, 'record.json')])
    expect(replay.result).toMatchObject({ modelHash: record.modelHash })

    await last.kill('SIGTERM')
    const { modelHash } = record
    const blob = join(third, 'blobs', modelHash?.slice(0, 2) ?? '', modelHash ?? '')
    await appendFile(blob, 'x')
    const damaged = await store('verify', '--data-dir', third)
    expect(damaged.status).toBe(1)
    expect(damaged.errorText).toContain(blob)
    // Two dozen processes, one after the other.
  }, 480_000)
})
