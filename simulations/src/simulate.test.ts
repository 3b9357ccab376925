import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { sourcesOfRecord } from './client-data.js'
import { replay } from './replay.js'
import { runSimulated, simulate, type SimulateOptions } from './simulate.js'

const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-runs-'))
afterAll(() => rm(runsDirectory, { recursive: true, force: true }))

const CLASSES = ['0', '1', '2']
const configOf = (change: RunConfigInput = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        name: 'tiny',
        task: { inputShape: [4], classes: CLASSES },
        model: { name: 'logistic' },
        method: { name: 'fedavg' },
        training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.05 } },
        cohort: { size: 4 },
        data: {
          name: 'synthetic',
          path: 'blobs:count=240:classes=3:features=4',
          partition: 'dirichlet:1:seed=3',
          clients: 6,
        },
        evaluation: {
          central: { name: 'synthetic', path: 'blobs:count=240:classes=3:features=4' },
          federated: true,
        },
        compute: { backend: 'wasm' },
        rounds: 3,
        seed: 5,
        ...change,
      },
      configCatalogue(),
    ),
  )
const run = async (config: RunConfig, options: Partial<SimulateOptions> = {}): Promise<RunRecord> =>
  (await simulate(config, { workers: 0, runsDirectory, ...options })).record

describe('a simulation', () => {
  it('learns, and leaves a record and the model it names', async () => {
    const seen: number[] = []
    const { record, model } = await simulate(configOf(), {
      workers: 0,
      runsDirectory,
      onRound: ({ round }) => seen.push(round),
    })
    // Three training rounds, then the one that scores the final model on every client.
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(record).toMatchObject({
      kind: 'simulated',
      state: 'finished',
      engine: { backend: 'wasm', threads: 1 },
    })
    expect(record.rounds[3]?.metrics['accuracy']).toBeGreaterThan(0.8)
    expect(record.rounds[3]?.metrics['federated/accuracy']).toBeGreaterThan(0.5)
    expect(record.rounds[3]?.accepted).toHaveLength(4)
    expect(record.rounds[4]).toMatchObject({ purpose: 'evaluate', cohort: [0, 1, 2, 3, 4, 5] })
    expect(record.roster.map(({ name, nodeId }) => [name, nodeId])).toContainEqual([
      'client-6',
      null,
    ])
    expect(record.roster[1]?.card.source).toMatchObject({
      shard: '2/6',
      partition: 'dirichlet:1:seed=3',
    })
    expect(sha256(await readFile(model))).toBe(record.modelHash)
    const written = await readFile(join(runsDirectory, record.runId, 'record.json'), 'utf8')
    expect(unwrap(parseRunRecord(written))).toEqual(record)
  })

  it('gives the same model with 0, 1 and 2 workers, even where clients remember', async () => {
    const config = configOf({ method: { name: 'scaffold' }, rounds: 2 })
    const records = []
    for (const workers of [0, 1, 2]) records.push(await run(config, { workers }))
    const [here, one, two] = records
    expect(one?.rounds.map(({ modelHash, metrics }) => [modelHash, metrics])).toEqual(
      here?.rounds.map(({ modelHash, metrics }) => [modelHash, metrics]),
    )
    expect(two?.modelHash).toBe(here?.modelHash)
    expect(two?.rounds.map(({ stateHash }) => stateHash)).toEqual(
      here?.rounds.map(({ stateHash }) => stateHash),
    )
  })

  it('gives another model with another seed, and with one client fewer', async () => {
    const usual = await run(configOf())
    expect((await run(configOf())).modelHash).toBe(usual.modelHash)
    expect((await run(configOf({ seed: 6 }))).modelHash).not.toBe(usual.modelHash)
    expect((await run(configOf({ cohort: { size: 3 } }))).modelHash).not.toBe(usual.modelHash)
  })

  it('needs data', async () => {
    await expect(run(configOf({ data: null }))).rejects.toMatchObject({ code: 'config/invalid' })
  })

  it('counts no update that its own validation refuses', async () => {
    const refused: string[] = []
    // Every step leaves the allowed range, so every update is refused and the run fails for want of reporters.
    const config = configOf({ aggregation: { maxAbs: 1e-6 }, cohort: { attempts: 1 } })
    const failed = run(config, {
      onEvent: ({ type, data }) =>
        type === 'update:refused' && refused.push(data['code'] as string),
    })
    await expect(failed).rejects.toMatchObject({
      code: 'algorithm/failed',
      message: expect.stringContaining('reporters') as string,
    })
    expect(new Set(refused)).toEqual(new Set(['update/out-of-range']))
    expect(refused).toHaveLength(6)
  })

  it('closes a round without the members whose training came to nothing', async () => {
    const failed: string[] = []
    const config = configOf({
      training: {
        // The decay alone multiplies each param by −9,999 a step.
        optimizer: { name: 'sgd', learningRate: 1000, weightDecay: 10 },
        localEpochs: 10,
      },
      cohort: { attempts: 1 },
    })
    const run_ = run(config, {
      onEvent: ({ type, data }) => type === 'task:failed' && failed.push(data['code'] as string),
    })
    await expect(run_).rejects.toMatchObject({
      message: expect.stringContaining('reporters') as string,
    })
    expect(new Set(failed)).toEqual(new Set(['update/not-finite']))
  })

  it('refuses data that are not what the task asks for', async () => {
    const task = { inputShape: [3], classes: ['a', 'b'] }
    await expect(run(configOf({ task }))).rejects.toMatchObject({ code: 'data/mismatch' })
  })

  it('stops when told to, after the work in hand', async () => {
    const stop = new AbortController()
    const record = await run(configOf({ rounds: 50 }), {
      signal: stop.signal,
      onRound: ({ round }) => round === 2 && stop.abort(),
    })
    expect(record).toMatchObject({ state: 'stopped', reason: 'Interrupted' })
    expect(record.rounds).toHaveLength(3)
  })
})

describe('a replay', () => {
  it('of a simulation arrives at every hash, with any number of workers', async () => {
    const record = await run(configOf({ method: { name: 'scaffold' } }))
    for (const workers of [0, 1]) {
      const again = await replay(record, { workers, runsDirectory })
      expect(again.record).toMatchObject({
        kind: 'replay',
        modelHash: record.modelHash,
        state: 'finished',
      })
      expect(again.record.rounds.map(({ stateHash }) => stateHash)).toEqual(
        record.rounds.map(({ stateHash }) => stateHash),
      )
    }
  })

  it('of a deployed run with lost updates performs exactly those that counted, from the cards of the roster', async () => {
    const full = configOf({ method: { name: 'scaffold' }, evaluation: {}, cohort: { all: true } })
    const lossy = await replayAs(await run(full), { lose: { round: 2, slot: 1 } })
    const deployed: RunRecord = { ...lossy, kind: 'deployed' }
    const again = await replay(deployed, { workers: 0, runsDirectory })
    expect(again.record.modelHash).toBe(lossy.modelHash)
    expect(again.record.rounds[2]?.accepted.map(({ slot }) => slot)).toEqual([0, 2, 3, 4, 5])
    expect(again.record.modelHash).not.toBe((await run(full)).modelHash)
  })

  it('names the first round and the slots that differ', async () => {
    const record = await run(configOf({ evaluation: {} }))
    const rounds = record.rounds.map((round) =>
      round.round === 2
        ? {
            ...round,
            modelHash: sha256('other'),
            accepted: round.accepted.map((update, i) =>
              i === 0 ? { ...update, sha256: sha256('bit') } : update,
            ),
          }
        : round,
    )
    const slot = record.rounds[2]?.accepted[0]?.slot ?? -1
    await expect(
      replay({ ...record, rounds }, { workers: 0, runsDirectory }),
    ).rejects.toMatchObject({
      code: 'replay/different',
      message: expect.stringMatching(
        new RegExp(`^Round 2 .*; the update of slot ${slot} is .* the recorded one`),
      ) as string,
    })
  })

  it('names what a client measured otherwise, though it sent the same', async () => {
    const record = await run(configOf({ evaluation: {}, method: { name: 'local-only' } }))
    const [round, ...accepted] = [record.rounds[2]!, ...record.rounds[2]!.accepted]
    const [first, ...rest] = accepted
    const other = { ...first!, metrics: { ...first!.metrics, loss: 9 } }
    const rounds = record.rounds.with(2, { ...round, accepted: [other, ...rest] })
    await expect(
      replay({ ...record, rounds }, { workers: 0, runsDirectory }),
    ).rejects.toMatchObject({
      code: 'replay/different',
      message: expect.stringMatching(
        new RegExp(
          `^Round 2 ends at the recorded model; the update of slot ${other.slot} measured`,
        ),
      ) as string,
    })
  })

  it('needs the data of every slot that counted, and of no other', async () => {
    const record = await run(configOf({ evaluation: {} }))
    const counted = new Set(
      record.rounds.flatMap(({ accepted }) => accepted.map(({ slot }) => slot)),
    )
    const without = (hidden: number): RunRecord => ({
      ...record,
      kind: 'deployed',
      roster: record.roster.map((entry) => {
        const { source: _source, ...card } = entry.card
        return entry.slot === hidden ? { ...entry, card } : entry
      }),
    })
    const [first = -1] = counted
    await expect(replay(without(first), { workers: 0, runsDirectory })).rejects.toMatchObject({
      code: 'replay/no-data',
    })
    const idle = record.roster.findIndex(({ slot }) => !counted.has(slot))
    if (idle >= 0) await replay(without(idle), { workers: 0, runsDirectory })
  })

  it('of a run that was stopped ends where the record ends', async () => {
    const stop = new AbortController()
    const record = await run(configOf({ rounds: 50 }), {
      signal: stop.signal,
      onRound: ({ round }) => round === 2 && stop.abort(),
    })
    const again = await replay(record, { workers: 0, runsDirectory })
    expect(again.record.modelHash).toBe(record.modelHash)
    expect(again.record.rounds).toHaveLength(3)
  })
})

/** A record as a run would have left it in which one member's update was lost: found by replaying with the loss, ignoring hashes. */
async function replayAs(
  record: RunRecord,
  { lose }: { lose: { round: number; slot: number } },
): Promise<RunRecord> {
  const { record: lossy } = await runSimulated(
    {
      config: record.config,
      sources: sourcesOfRecord(record),
      kind: 'simulated',
      reporters: ({ round, cohort }) =>
        cohort.map(({ slot }) => slot).filter((slot) => round !== lose.round || slot !== lose.slot),
    },
    { workers: 0, runsDirectory },
  )
  return lossy
}
