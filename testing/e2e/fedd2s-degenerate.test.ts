import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { readModelFile } from '#algorithms/model-file.js'
import { endAll, readJson, temporaryDirectory, tributary } from './harness.js'

const CLASSES = ['0', '1', '2', '3']
const [ROUNDS, EPOCHS, CLIENTS] = [4, 2, 4]
const CONFIG = {
  name: 'degenerate',
  task: { inputShape: [8], classes: CLASSES },
  model: { name: 'mlp', hidden: [12, 10] },
  method: { name: 'fedd2s', interval: 1 },
  training: {
    ...{ localEpochs: EPOCHS, batchSize: 16 },
    optimizer: { name: 'sgd', learningRate: 0.02 },
  },
  evaluation: { federated: true, every: ROUNDS },
  data: {
    ...{ name: 'synthetic', path: 'blobs:count=200:classes=4:features=8', clients: CLIENTS },
    ...{ partition: 'iid:seed=7', testFraction: 0.2 },
  },
  compute: { backend: 'wasm', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
/** Settings by what they are about; each is one run. */
const SETTINGS = {
  /** Four clients with a class each, of which one is asked in a round. */
  oneClass: [
    'data.partition=pathological:1:seed=7',
    'cohort.size=1',
    'rounds=3',
    'evaluation.every=3',
  ],
  alone: ['data.clients=1'],
  /** One cut, and batches larger than what any client holds. */
  shallow: ['model.hidden=[10]', 'training.batchSize=1000'],
  oneCut: ['method.cuts=["dense2"]'],
  longInterval: ['method.interval=50'],
  mixed: ['method.otherModels=[{"name":"mlp","hidden":[9,7]}]'],
}
type Setting = keyof typeof SETTINGS

interface Own {
  readonly slot: number
  readonly hash: string | null
  readonly model: string | null
}
interface Simulated {
  readonly record: RunRecord
  readonly own: readonly Own[]
}

describe('FedD2S at its edges, as commands', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const runs = {} as Record<Setting, Simulated>
  const simulate = async (setting: Setting): Promise<void> => {
    const options = ['--workers', '0', '--personal-models', '--set', ...SETTINGS[setting]]
    const done = await tributary(['simulate', 'config.json', ...options], { cwd: directory.path })
    expect([setting, done.errorText, done.status]).toEqual([setting, '', 0])
    const own = done.result['personalModels'] as readonly Own[]
    const folder = dirname(String(done.result['model']))
    const file = join(directory.path, folder, 'record.json')
    runs[setting] = { record: await readJson<RunRecord>(file), own }
  }
  const trainedIn = ({ record }: Simulated): readonly RoundRecord[] =>
    record.rounds.filter(({ part, round }) => part === 'method' && round > 0)
  const hashes = ({ own }: Simulated) => own.map(({ hash }) => hash)
  const modelsOf = ({ own }: Simulated) =>
    Promise.all(
      own.flatMap(({ model }) =>
        model === null ? [] : [readFile(join(directory.path, model)).then(readModelFile)],
      ),
    )
  /** Bytes of the rows that a client with this many sends at a cut of this width. */
  const bytesUp = (rows: number, width: number): number => rows * (4 * width + 1)

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'config.json'), JSON.stringify(CONFIG))
    const settings = Object.keys(SETTINGS) as Setting[]
    const every = async (which: number): Promise<void> => {
      for (const setting of settings.filter((_, i) => i % 2 === which)) await simulate(setting)
    }
    await Promise.all([every(0), every(1)])
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('leaves nothing but finite numbers, whatever the setting', async () => {
    for (const run of Object.values(runs)) {
      expect(run.record.state).toBe('finished')
      const told = run.record.rounds.flatMap(({ metrics, accepted }) => [
        ...Object.values(metrics),
        ...accepted.flatMap((update) => Object.values(update.metrics)),
      ])
      expect(told.length).toBeGreaterThan(0)
      expect(told.every(Number.isFinite)).toBe(true)
      for (const { bundle } of await modelsOf(run)) {
        const { buffer, byteOffset, byteLength } = bundle.payload
        const values = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
        expect(values.every(Number.isFinite)).toBe(true)
      }
    }
  })

  it('D1: clients of one class train and send as all do, and are counted', () => {
    const last = runs.oneClass.record.rounds.at(-1)
    expect(last?.metrics).toMatchObject({
      'clients/count': CLIENTS,
      'clients/singleClass': CLIENTS,
    })
    expect('clients/severalClasses/accuracy' in (last?.metrics ?? {})).toBe(false)
    const scored = new Map(last?.accepted.map(({ slot, metrics }) => [slot, metrics['accuracy']]))
    for (const { slot, hash } of runs.oneClass.own)
      if (hash !== null) expect(scored.get(slot)).toBe(1)
  })

  it('D2: a round without a class is a round as any', () => {
    const rounds = trainedIn(runs.oneClass)
    expect(rounds).toHaveLength(3)
    for (const { accepted } of rounds) expect(accepted).toHaveLength(1)
  })

  it('D11: clients that are never asked have no model of their own, and count with the first params', () => {
    const asked = new Set(trainedIn(runs.oneClass).flatMap(({ cohort }) => cohort))
    expect(asked.size).toBeLessThan(CLIENTS)
    expect(runs.oneClass.own.filter(({ hash }) => hash !== null).map(({ slot }) => slot)).toEqual(
      [...asked].sort((a, b) => a - b),
    )
    expect(runs.oneClass.record.rounds.at(-1)?.metrics).toMatchObject({
      'clients/count': CLIENTS,
      'clients/trained': asked.size,
    })
  })

  it('D12: one client alone teaches itself', () => {
    const { record, own } = runs.alone
    expect(own).toHaveLength(1)
    expect(own[0]?.hash).toMatch(/^[0-9a-f]{64}$/)
    const [first, last] = [record.rounds[1], record.rounds.at(-1)]
    expect(last?.metrics['clients/accuracy']).toBeGreaterThan(
      first?.metrics['clients/accuracy'] ?? 1,
    )
  })

  it('D4: fewer examples than a batch are one smaller batch', () => {
    for (const { accepted } of trainedIn(runs.shallow))
      for (const { metrics } of accepted) expect(metrics['steps']).toBe(EPOCHS)
  })

  it('D15: a model of two layers is cut behind the first, in every round', () => {
    for (const { accepted, bytesUp: up } of trainedIn(runs.shallow)) {
      const rows = accepted.reduce((sum, { weight }) => sum + weight, 0)
      expect(up).toBeGreaterThan(bytesUp(rows, 10))
      expect(up).toBeLessThan(bytesUp(rows, 10) + accepted.length * 1500)
    }
  })

  it('D13, D14: with one cut, and with an interval as long as the run, the cut stays where it begins', () => {
    expect(hashes(runs.longInterval)).toEqual(hashes(runs.oneCut))
    const sent = ({ record }: Simulated) =>
      record.rounds.map(({ accepted }) => accepted.map(({ sha256 }) => sha256))
    expect(sent(runs.longInterval)).toEqual(sent(runs.oneCut))
    expect(
      new Set(
        trainedIn(runs.oneCut)
          .slice(1, -1)
          .map((round) => round.bytesUp),
      ).size,
    ).toBe(1)
  })

  it('D17: clients with other models share the federation, each with a model of its own kind', async () => {
    const shapes = (await modelsOf(runs.mixed)).map(({ model }) => model.parameterCount)
    expect(shapes[0]).toBe(shapes[2])
    expect(shapes[1]).toBe(shapes[3])
    expect(shapes[0]).not.toBe(shapes[1])
  })
})
