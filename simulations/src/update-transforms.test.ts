import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { replay } from './replay.js'
import { simulate } from './simulate.js'

const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-updates-'))
afterAll(() => rm(runsDirectory, { recursive: true, force: true }))

const FEATURES = 200
const path = `blobs:count=120:classes=3:features=${FEATURES}`
const configOf = (updates?: RunConfigInput['updates']): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        name: 'transformed',
        task: { inputShape: [FEATURES], classes: ['0', '1', '2'] },
        model: { name: 'mlp', hidden: [20] },
        training: { batchSize: 8, optimizer: { learningRate: 0.05 } },
        cohort: { size: 4 },
        data: { name: 'synthetic', path, partition: 'iid', clients: 6 },
        compute: { backend: 'cpu' },
        ...{ rounds: 2, seed: 5 },
        ...(updates === undefined ? {} : { updates }),
      },
      configCatalogue(),
    ),
  )
const options = { workers: 0, runsDirectory }
const run = async (...updates: readonly Record<string, string | number>[]): Promise<RunRecord> =>
  (await simulate(configOf([...updates]), options)).record
const bytesUp = ({ rounds }: RunRecord): number =>
  rounds.reduce((sum, round) => sum + round.bytesUp, 0)

const ALL = [
  { name: 'clip', norm: 0.5 },
  { name: 'gaussian-noise', stddev: 0.01 },
  { name: 'top-k', fraction: 0.1 },
  { name: 'quantize', bits: 8 },
]

describe('a simulation with update transforms', () => {
  it('gives the same bytes for any number of workers, and so does its replay', async () => {
    const record = await run(...ALL)
    const { record: shared } = await simulate(configOf(ALL), { ...options, workers: 2 })
    expect(shared.modelHash).toBe(record.modelHash)
    expect((await replay(record, options)).record.modelHash).toBe(record.modelHash)
  })

  it('draws other noise from another seed, and none from none', async () => {
    const quiet = await run({ name: 'gaussian-noise', stddev: 0 })
    const { record: without } = await simulate(configOf(), options)
    expect(quiet.modelHash).toBe(without.modelHash)
    expect((await run(ALL[1]!)).modelHash).not.toBe(without.modelHash)
  })

  it('gives every client noise of its own in every round', async () => {
    // What is left of a delta is less than the step of the noise: an update is noise alone.
    const { rounds } = await run({ name: 'clip', norm: 1e-20 }, ALL[1]!)
    const sent = rounds.flatMap(({ accepted }) => accepted.map(({ sha256 }) => sha256))
    expect(sent).toHaveLength(8)
    expect(new Set(sent).size).toBe(8)
  })

  it('sends a twentieth with top-k of a tenth and 8 bits, and says so', async () => {
    const { record: without } = await simulate(configOf(), options)
    const share = bytesUp(await run(...ALL)) / bytesUp(without)
    expect(share).toBeLessThan(0.08)
    expect(bytesUp(await run(ALL[3]!)) / bytesUp(without)).toBeLessThan(0.28)
    expect(bytesUp(await run(ALL[0]!, ALL[1]!))).toBe(bytesUp(without))
  })
})

describe('the replay of a deployed run', () => {
  it('is refused where nodes added noise of their own, and only there', async () => {
    const record = await run(...ALL)
    const deployed = { ...record, kind: 'deployed' as const }
    await expect(replay(deployed, options)).rejects.toMatchObject({
      code: 'replay/secret-noise',
      message: expect.stringMatching(/only they can draw again/) as string,
    })
    const quiet = { ...(await run(ALL[0]!, ALL[2]!)), kind: 'deployed' as const }
    expect((await replay(quiet, options)).record.modelHash).toBe(quiet.modelHash)
  })
})
