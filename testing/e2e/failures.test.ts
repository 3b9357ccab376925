import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunRecord } from '#protocol/record.js'
import {
  endAll,
  joinNode,
  readJson,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
} from './harness.js'

const DATA = (shard: number): readonly string[] => [
  '--data',
  'mnist',
  '--limit',
  '6000',
  '--partition',
  'dirichlet:0.5:seed=7',
  '--shard',
  `${shard}/2`,
]
const ROUNDS = 24
const CONFIG = {
  name: 'two-nodes',
  task: { inputShape: [28, 28, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  model: { name: 'mlp', hidden: [32] },
  method: { name: 'scaffold' },
  training: { localEpochs: 2, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 1, graceSeconds: 2, deadlineSeconds: 120 },
  evaluation: { central: { name: 'mnist', limit: 500 } },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
type Kind = {
  readonly event?: string
  readonly round?: number
  readonly slot?: number
  readonly record?: { readonly round: number; readonly accepted: readonly { slot: number }[] }
}
const isRound = (event: string, round: number) => (line: unknown) => {
  const { event: name, round: opened, record } = line as Kind
  return name === event && (opened ?? record?.round) === round
}

describe('a run on real processes', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(endAll)
  afterAll(() => directory.remove())

  it('survives the death of a node mid-round and of the coordinator mid-round and between rounds, and replays to the same hash', async () => {
    const config = join(directory.path, 'config.json')
    await writeFile(config, JSON.stringify(CONFIG))
    const first = await startCoordinator(directory.path)
    const port = Number(new URL(first.url).port)
    const a = await joinNode(directory.path, first, { name: 'a', data: DATA(1) })
    const b = await joinNode(directory.path, first, { name: 'b', data: DATA(2) })

    const started = await tributary(['runs', 'start', config, '--data-dir', first.dataDir])
    expect(started.errorText).toBe('')
    const runId = String(started.result['runId'])
    const watch = start(['runs', 'watch', runId, '--data-dir', first.dataDir])

    // A node dies in the middle of a round: the round, or the next if its update was faster, closes without it.
    await b.line(isRound('task:started', 2))
    await b.kill('SIGKILL')
    const alone = (await watch.line((line) => {
      const { event, record } = line as Kind
      return event === 'round:closed' && (record?.round ?? 0) > 1 && record?.accepted.length === 1
    })) as Kind
    expect(alone.record?.accepted.map(({ slot }) => slot)).toEqual([0])

    // It comes back from its state directory, without a code, and takes part again. The other waits, or might have finished the run.
    a.child.kill('SIGSTOP')
    await joinNode(directory.path, first, { name: 'b', data: DATA(2), enrol: false })
    a.child.kill('SIGCONT')
    const both = (await watch.line((line) => {
      const { event, record } = line as Kind
      return (
        event === 'round:closed' &&
        (record?.round ?? 0) > (alone.record?.round ?? 0) &&
        record?.accepted.length === 2
      )
    })) as Kind
    const back = both.record?.round ?? 0

    // The coordinator dies with a round open and one update accepted …
    const isAccepted = isRound('update:accepted', back + 2)
    await watch.line(isAccepted)
    await first.running.kill('SIGKILL')
    const again = await startCoordinator(directory.path, port)
    // … and right after a round closed.
    await watch.line(isRound('round:closed', back + 3))
    await again.running.kill('SIGKILL')
    await startCoordinator(directory.path, port)

    const end = await watch.ended
    expect(end.result).toMatchObject({
      event: 'runs:watch:finished',
      state: 'finished',
      rounds: ROUNDS,
    })

    const out = join(directory.path, 'export')
    await tributary(['runs', 'export', runId, '--data-dir', first.dataDir, '--out', out])
    const record = await readJson<RunRecord>(join(out, 'record.json'))
    expect(record.rounds.map(({ round }) => round)).toEqual(
      Array.from({ length: ROUNDS + 1 }, (_, round) => round),
    )
    // Its history has no stop in it; that of the next one has, and watching goes on beyond it.
    const other = await tributary(['runs', 'start', config, '--data-dir', first.dataDir])
    const otherId = String(other.result['runId'])
    await tributary(['runs', 'stop', otherId, '--data-dir', first.dataDir])
    const stopped = await tributary(['runs', 'watch', otherId, '--data-dir', first.dataDir])
    expect(stopped.result).toMatchObject({ state: 'stopped' })
    await tributary(['runs', 'resume', otherId, '--data-dir', first.dataDir])
    const resumed = await tributary(['runs', 'watch', otherId, '--data-dir', first.dataDir])
    expect(resumed.result).toMatchObject({ state: 'finished', rounds: ROUNDS })

    const replay = await tributary(['simulate', '--replay', join(out, 'record.json')], {
      cwd: directory.path,
    })
    expect(replay.result).toMatchObject({ same: true, modelHash: record.modelHash })
  })
})
