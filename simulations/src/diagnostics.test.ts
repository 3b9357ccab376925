import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { headBias } from '#algorithms/diagnostics/head-norms.js'
import { simulate } from './simulate.js'

const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-diagnostics-'))
afterAll(() => rm(runsDirectory, { recursive: true, force: true }))

const path = 'blobs:count=240:classes=3:features=4'
const central = { name: 'synthetic', path }
const configOf = (change: RunConfigInput = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [4], classes: ['0', '1', '2'] },
        model: { name: 'mlp', hidden: [8] },
        training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.05 } },
        cohort: { size: 4 },
        data: { name: 'synthetic', path, partition: 'dirichlet:0.3:seed=3', clients: 5 },
        evaluation: { central, diagnostics: { probe: 30 } },
        compute: { backend: 'wasm' },
        rounds: 2,
        seed: 5,
        ...change,
      },
      configCatalogue(),
    ),
  )
const run = async (config: RunConfig, workers = 0): Promise<RunRecord> =>
  (await simulate(config, { workers, runsDirectory })).record

describe('diagnostics of a simulation', () => {
  it('are the same with 0 and 2 workers, whose partial sums carry the local models', async () => {
    const [here, two] = [await run(configOf()), await run(configOf(), 2)]
    const diagnostics = ({ rounds }: RunRecord) => rounds.map((round) => round.diagnostics)
    expect(diagnostics(two)).toEqual(diagnostics(here))
    const [before, first, last] = diagnostics(here)
    expect(before).toBeUndefined()
    for (const told of [first!, last!]) {
      expect(told.local!.slots).toHaveLength(4)
      expect(told.local!.layers.map(({ name }) => name)).toEqual(['dense1', 'head'])
      expect(told.local!.layers[0]!.cka).toBeGreaterThan(0)
      expect(told.geometry!.of).toBe('probe')
    }
    expect(first).not.toEqual(last)
    // Simulated clients tell their label counts, so the norms of local heads can be held against them.
    const { counts, meanCorrelation } = headBias(last!.local!, here.roster)
    expect(counts.every((one) => one?.length === 3)).toBe(true)
    expect(meanCorrelation).toEqual(expect.any(Number))
    const written = await readFile(join(runsDirectory, here.runId, 'record.json'), 'utf8')
    expect(unwrap(parseRunRecord(written))).toEqual(here)
  })

  it('cost a second upload in the rounds that compare, and change no model', async () => {
    const [plain, told] = [
      await run(configOf({ rounds: 3, evaluation: { central } })),
      await run(configOf({ rounds: 3 })),
    ]
    const hashes = ({ rounds }: RunRecord) =>
      rounds.map(({ stateHash, modelHash, metrics }) => [stateHash, modelHash, metrics])
    expect(hashes(told)).toEqual(hashes(plain))
    const extra = told.rounds.map(({ bytesUp }, i) => bytesUp - plain.rounds[i]!.bytesUp)
    // 4 clients, 67 params of 4 bytes, and the names in a header.
    expect(extra[1]).toBeGreaterThanOrEqual(4 * 67 * 4)
    expect(extra).toEqual([0, extra[1], 0, extra[1]])
  })

  it('stand beside what a calibration tells', async () => {
    const { rounds } = await run(configOf({ calibration: { name: 'ccvr' } }))
    const [trained, calibrated] = rounds.slice(-2)
    expect(Object.keys(trained!.diagnostics!).sort()).toEqual(['geometry', 'headNorms', 'local'])
    expect(calibrated).toMatchObject({ part: 'calibration' })
    const { calibration, geometry, headNorms } = calibrated!.diagnostics!
    expect(calibration!.answered).toEqual([0, 1, 2, 3, 4])
    expect(headNorms).not.toEqual(trained!.diagnostics!.headNorms)
    // The same extractor: only how the head stands to its features has changed.
    const { selfDuality: before, ...same } = trained!.diagnostics!.geometry!
    const { selfDuality: after, ...still } = geometry!
    expect(still).toEqual(same)
    expect(after).not.toBe(before)
  })
})
