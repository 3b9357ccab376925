import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { openAllClients } from '#data/index.js'
import { keptOf } from '#algorithms/methods/kept-training.js'
import type { JournalTask, NodeJournal } from '#client/journal.js'
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
import { operatorAccess } from '#cli/access.js'
import { createApi, type Api } from '#cli/api.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { layLine, type Line as Wire } from './line.js'

const SOURCE = {
  data: 'synthetic:blobs:count=500:classes=4:features=8',
  partition: 'dirichlet:1:min=30:seed=7',
}
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
type Name = (typeof NAMES)[number]
const DATA = (shard: number): readonly string[] => [
  ...['--allow-per-example', '--data', SOURCE.data],
  ...['--partition', SOURCE.partition, '--shard', `${shard}/${NAMES.length}`],
]
const CLASSES = ['0', '1', '2', '3']
const ROUNDS = 24
/** Widths behind the cuts, from deep to shallow, and rounds on each. */
const [CUTS, INTERVAL] = [[8, 10, 12], 3]
const widthIn = (round: number): number =>
  CUTS[Math.min(Math.floor((round - 1) / INTERVAL), CUTS.length - 1)] ?? 0
/** Specification §5: activations and labels up, soft labels down. */
const rowUp = (round: number): number => 4 * widthIn(round) + 1
const ROW_DOWN = 4 * CLASSES.length
const CONFIG = {
  name: 'personal',
  task: { inputShape: [8], classes: CLASSES },
  model: { name: 'mlp', hidden: CUTS.toReversed() },
  method: { name: 'fedd2s', interval: INTERVAL },
  // Many epochs over few examples: a round lasts long enough for something to happen in it.
  training: { localEpochs: 25, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.02 } },
  cohort: { all: true, minReporters: 3, attempts: 50, graceSeconds: 1, deadlineSeconds: 200 },
  evaluation: { federated: true, every: ROUNDS },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}

type RunEvent = HttpAnswer<'GET /api/runs/:id/events'>['events'][number]
type Line = Readonly<Record<string, unknown>>
const isEvent =
  (event: string, round?: number) =>
  (line: Line): boolean =>
    line['event'] === event && (round === undefined || line['round'] === round)
const slotsIn = (round: RoundRecord | undefined): readonly number[] =>
  round?.accepted.map(({ slot }) => slot) ?? []
/** A line that is not there yet. */
const upcoming = (running: Running, matches: (line: Line) => boolean): Promise<Line> => {
  const seen = new Set(running.lines)
  return running.line((line) => !seen.has(line) && matches(line))
}

describe('FedD2S on real processes', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let coordinator: Awaited<ReturnType<typeof startCoordinator>>
  let remote: readonly string[]
  let api: Api
  let runId: string
  const nodes = {} as Record<Name, Running>
  const wires = {} as Record<Name, Wire>
  const run = (...args: readonly string[]) => tributary(args, { cwd: directory.path })
  const stateOf = (name: Name): readonly string[] => ['--state-dir', join(directory.path, name)]
  const joinAs = async (name: Name, enrol: boolean): Promise<void> => {
    wires[name] ??= await layLine(coordinator.url)
    const at = { url: wires[name].url, dataDir: coordinator.dataDir }
    const data = DATA(NAMES.indexOf(name) + 1)
    nodes[name] = await joinNode(directory.path, at, { name, data, enrol })
  }
  const ownModel = async (name: Name): Promise<string> => {
    const out = join(directory.path, `${name}.bundle`)
    return String((await run('client', 'export', ...stateOf(name), '--out', out)).result['sha256'])
  }
  /** Of the run, from its beginning. Asked for at the coordinator: while a command starts, rounds go by. */
  let seen: readonly RunEvent[] = []
  const until = async (matches: (event: RunEvent) => boolean): Promise<void> => {
    while (!seen.some(matches)) {
      if (seen.some(({ type }) => type === 'run:finished')) throw new Error('The run is over')
      const query = { after: seen.length, wait: 20 }
      seen = [...seen, ...(await api.call('GET /api/runs/:id/events', { id: runId, query })).events]
    }
  }
  const closed = (round: number): Promise<void> =>
    until(
      ({ type, data }) =>
        type === 'round:closed' && (data['record'] as unknown as RoundRecord).round === round,
    )
  /** Nobody is asked while the run is stopped, so that no round passes while a node finds its way back. */
  const hold = (): Promise<object> => api.call('POST /api/runs/:id/stop', { id: runId })
  const goOn = (): Promise<object> => api.call('POST /api/runs/:id/resume', { id: runId })
  /** The next round that d begins, at its beginning: everyone who is there now is asked. */
  const nextRoundOfD = async (event = 'task:started'): Promise<number> =>
    Number((await upcoming(nodes.d, isEvent(event)))['round'])

  let record: RunRecord
  let replay: Awaited<ReturnType<typeof tributary>>
  const told = {
    late: { round: 0, refused: {} as Line, settled: {} as Line },
    lost: { round: 0, settled: {} as Line, before: '', after: '' },
    killed: { round: 0, before: '', after: '' },
    answered: { round: 0 },
    own: {} as Record<Name, string>,
  }

  /** d trains while its line is cut, and is back when the round is over. */
  async function tooLate(): Promise<void> {
    const round = await nextRoundOfD()
    wires.d.cut()
    await nodes.d.line(isEvent('update:sending', round))
    await closed(round)
    await hold()
    wires.d.restore()
    const refused = await nodes.d.line(isEvent('update:refused', round))
    told.late = { round, refused, settled: await nodes.d.line(isEvent('task:settled', round)) }
  }
  /** d trains while its line is cut, and dies before it could send anything. */
  async function lostBeforeUpload(): Promise<void> {
    await goOn()
    const round = await nextRoundOfD()
    wires.d.cut()
    await nodes.d.line(isEvent('update:sending', round))
    await nodes.d.kill('SIGKILL')
    await closed(round)
    await hold()
    const before = await ownModel('d')
    wires.d.restore()
    await joinAs('d', false)
    const settled = await nodes.d.line(isEvent('task:settled', round))
    told.lost = { round, settled, before, after: await ownModel('d') }
  }
  /** d dies in the middle of its training. */
  async function killedInTraining(): Promise<void> {
    await goOn()
    // Three failures in a row, and it would not be asked for a while.
    await nextRoundOfD('update:accepted')
    const round = await nextRoundOfD()
    await nodes.d.kill('SIGKILL')
    await closed(round)
    await hold()
    const before = await ownModel('d')
    await joinAs('d', false)
    told.killed = { round, before, after: await ownModel('d') }
  }
  /** d dies when its update counts, and e joins while the run waits. */
  async function goneAfterUpload(): Promise<void> {
    await goOn()
    const round = await nextRoundOfD('update:accepted')
    await nodes.d.kill('SIGKILL')
    told.answered = { round }
    await closed(round)
    await hold()
    await joinAs('d', false)
    await joinAs('e', true)
    await goOn()
  }

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'config.json'), JSON.stringify(CONFIG))
    coordinator = await startCoordinator(directory.path)
    api = createApi(coordinator.url, operatorAccess(coordinator.dataDir))
    remote = ['--data-dir', coordinator.dataDir]
    for (const name of NAMES.slice(0, 4)) await joinAs(name, true)
    const started = await run('runs', 'start', 'config.json', ...remote)
    expect(started.errorText).toBe('')
    runId = String(started.result['runId'])
    await closed(2)
    await tooLate()
    await lostBeforeUpload()
    await killedInTraining()
    await goneAfterUpload()
    await until(({ type }) => type === 'run:finished')
    const out = join(directory.path, 'run')
    await run('runs', 'export', runId, ...remote, '--out', out)
    record = await readJson<RunRecord>(join(out, 'record.json'))
    const last = record.rounds.at(-1)?.round ?? 0
    await Promise.all(NAMES.map((name) => nodes[name].line(isEvent('task:settled', last))))
    for (const name of NAMES) told.own[name] = await ownModel(name)
    const file = join(out, 'record.json')
    replay = await run('simulate', '--workers', '0', '--personal-models', '--replay', file)
  }, 480_000)
  afterAll(async () => {
    await endAll()
    for (const wire of Object.values(wires)) wire.close()
    await directory.remove()
  })

  it('D5: goes on without a node that dies before its upload; the node keeps what it trained', () => {
    const { round, settled, before, after } = told.lost
    expect(slotsIn(record.rounds[round])).toEqual([0, 1, 2])
    expect(settled).toMatchObject({ fate: 'refused' })
    expect(after).toMatch(/^[0-9a-f]{64}$/)
    expect(after).not.toBe(before)
  })

  it('D7: refuses the late update of an earlier round; the node keeps what it trained and says so', () => {
    const { round, refused, settled } = told.late
    expect(slotsIn(record.rounds[round])).toEqual([0, 1, 2])
    expect(refused).toMatchObject({ code: 'round/closed' })
    expect(settled).toMatchObject({ fate: 'refused' })
    const next = record.rounds.slice(round + 1).flatMap(({ accepted }) => accepted)
    const { metrics } = next.find(({ slot }) => slot === 3)!
    expect(keptOf(metrics).get(round)).toBe(1)
  })

  it('keeps the personal model of a node that is killed and restarted, and trains on from it', () => {
    const { round, before, after } = told.killed
    expect(slotsIn(record.rounds[round])).toEqual([0, 1, 2])
    expect(after).toBe(before)
    expect(before).toMatch(/^[0-9a-f]{64}$/)
    expect(told.own.d).not.toBe(before)
  })

  it('D6: uses the rows of a node that dies after its upload, which goes on when it is back', () => {
    const { round } = told.answered
    expect(slotsIn(record.rounds[round])).toContain(3)
    const later = record.rounds.slice(round + 1).map(slotsIn)
    expect(later.flat()).toContain(3)
  })

  it('D10: takes a node that joins late', () => {
    const first = record.rounds.find((round) => slotsIn(round).includes(4))
    expect(first?.round).toBeGreaterThan(told.answered.round)
    expect(first?.purpose).toBe('train')
    expect(record.rounds.at(-1)?.metrics).toMatchObject({
      'clients/count': 5,
      'clients/trained': 5,
    })
  })

  it('replays to the same updates, and to the personal model that each node exports', () => {
    expect(replay.errorText).not.toContain('replay/different')
    expect(replay.result).toMatchObject({ same: true, modelHash: record.modelHash })
    const models = replay.result['personalModels'] as readonly Line[]
    expect(models.map(({ name, hash }) => [name, hash])).toEqual(
      NAMES.map((name) => [name, told.own[name]]),
    )
    expect(new Set(Object.values(told.own)).size).toBe(5)
  })

  it('sends as many bytes as the formulae say, and headers', async () => {
    const clients = await openAllClients({ ...SOURCE, clients: NAMES.length, testFraction: 0.1 })
    const rows = clients.map(({ train }) => train.indices.length)
    const trained = record.rounds.filter(({ part, round }) => part === 'method' && round > 0)
    expect(new Set(trained.map(({ round }) => widthIn(round)))).toEqual(new Set(CUTS))
    const sum = (slots: readonly number[], bytes: number): number =>
      slots.reduce((total, slot) => total + rows[slot]! * bytes, 0)
    for (const [i, round] of trained.entries()) {
      const slots = slotsIn(round)
      const score = round.round === 1 || round.round === ROUNDS ? 200 : 0
      const up = round.bytesUp - sum(slots, rowUp(round.round))
      expect([round.round, up > 0, up < slots.length * (1500 + score)]).toEqual([
        round.round,
        true,
        true,
      ])
      // Who had an answer waiting gets it with its task, beside the empty shared bundle.
      const before = trained.slice(0, i).map(slotsIn)
      const waiting = slots.filter((slot) => before.some((some) => some.includes(slot)))
      const down = round.bytesDown - sum(waiting, ROW_DOWN)
      expect([round.round, down > 0, down < slots.length * 600]).toEqual([round.round, true, true])
    }
    for (const name of NAMES) {
      const journal = (await run('client', 'journal', ...stateOf(name))).result
      const { tasks } = (journal as unknown as NodeJournal).runs[0]!
      const sent = tasks.filter(({ part }) => part === 'method')
      const expected = ({ round }: JournalTask): number => rows[NAMES.indexOf(name)]! * rowUp(round)
      expect(sent.map(({ bytes }) => bytes['per-example'])).toEqual(sent.map(expected))
    }
  })

  it('is refused when it could gather more than the coordinator takes, with what makes it smaller', async () => {
    const other = join(directory.path, 'small')
    const small = start([
      'coordinator',
      'start',
      '--data-dir',
      other,
      '--port',
      '0',
      '--max-round-mb',
      '10',
    ])
    await small.event('coordinator:listening')
    const startWith = (...set: readonly string[]) =>
      run('runs', 'start', 'config.json', '--data-dir', other, ...set)
    const refused = await startWith()
    expect(refused).toMatchObject({ status: 2, result: { code: 'config/too-large' } })
    expect(String(refused.result['message'])).toMatch(
      /^3 members × 4\.9 MB of an update = 14\.7 MB .*limit of 10 MB: samples = .*49 B × 100,000 rows.*method\.maxSamplesPerRound.*aggregation\.maxExamples/,
    )
    const allowed = await startWith('--set', 'method.maxSamplesPerRound=1000')
    expect(allowed.status).toBe(0)
    await small.kill('SIGTERM')
    // The other coordinator's limits are the default ones.
    const wide = await run(
      'runs',
      'start',
      'config.json',
      ...remote,
      '--set',
      'model.hidden=[2000,8]',
    )
    expect(wide).toMatchObject({ status: 2, result: { code: 'config/too-large' } })
    expect(String(wide.result['message'])).toMatch(/^One update .* 800\.1 MB, above .* 512 MB/)
  })
})
