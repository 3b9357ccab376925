/**
 * Whatever a configuration names, a run comes out the same though its coordinator and its nodes die at every named point.
 * What is added to the catalogue is tested by being there.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  CLIENT_FAULT_POINTS,
  COORDINATOR_FAULT_POINTS,
  type FaultPoint,
} from '#protocol/fault-points.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { protectionOf } from '#algorithms/update-transforms/apply.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { fingerprintOf, judge } from './history.js'
import { CrashWorld, type Arming } from './world.js'

const clients = tinyClients([3, 6, 5])

/** Small, with every kind of round, and nothing in it that depends on the time of day. */
function tiny(change: (config: RunConfig) => RunConfig): RunConfig {
  return tinyConfig((config) =>
    change({
      ...config,
      cohort: { ...config.cohort, minReporters: 3, deadlineSeconds: 3600, graceSeconds: 600 },
      evaluation: { ...config.evaluation, federated: true },
      // As many as it takes until every point was passed, and more: which rounds deaths fall into is a matter of time.
      rounds: 6,
    }),
  )
}
const trainedWith = (training: Partial<RunConfig['training']>) =>
  tiny((config) => ({ ...config, training: { ...config.training, ...training } }))
const aggregatedWith = (aggregation: Partial<RunConfig['aggregation']>) =>
  tiny((config) => ({ ...config, aggregation: { ...config.aggregation, ...aggregation } }))

/** One configuration for every entry that a configuration can name; models differ in nothing that a round knows of. */
const ENTRIES: readonly (readonly [string, RunConfig])[] = [
  ...CATALOGUE.methods.map(({ name }) => [`method ${name}`, tiny(withMethod(name))] as const),
  ...CATALOGUE.calibrations.map(
    ({ name }) =>
      [
        `calibration ${name}`,
        tiny((config) => ({
          ...config,
          model: { name: 'mlp', hidden: [5] },
          calibration: { name, when: 'every-round' },
        })),
      ] as const,
  ),
  ...CATALOGUE.serverOptimizers.map(
    ({ name }) =>
      [`server optimizer ${name}`, aggregatedWith({ serverOptimizer: { name } })] as const,
  ),
  ...CATALOGUE.aggregators.map(
    ({ name }) => [`aggregator ${name}`, aggregatedWith({ rule: name })] as const,
  ),
  ...CATALOGUE.samplers.map(
    ({ name }) =>
      [
        `sampler ${name}`,
        tiny((config) => ({ ...config, cohort: { ...config.cohort, sampler: name } })),
      ] as const,
  ),
  ...CATALOGUE.updateTransforms.map(
    ({ name }) =>
      [`update transform ${name}`, tiny((config) => ({ ...config, updates: [{ name }] }))] as const,
  ),
  ...CATALOGUE.clientOptimizers.map(
    ({ name }) =>
      [
        `client optimizer ${name}`,
        trainedWith({ optimizer: { ...tinyConfig().training.optimizer, name } }),
      ] as const,
  ),
]

/** Noise comes from a key of each node and hangs on the run: no other run comes to the same model. */
const drawsNoise = (config: RunConfig): boolean =>
  protectionOf(updateTransformsOf(config)).noise > 0

/** Nothing of an open round outlives its coordinator: with memory of clients, and without. */
const EPHEMERAL: typeof ENTRIES = ['fedavg', 'scaffold'].map((name) => [
  `${name}, whose updates are in memory only`,
  tiny((config) => ({ ...withMethod(name)(config), durability: 'ephemeral' })),
])

const POINTS: readonly FaultPoint[] = [...COORDINATOR_FAULT_POINTS, ...CLIENT_FAULT_POINTS]
/** Passed once for each member of a round: so the second member's time comes, too. */
const OF_MEMBERS: readonly FaultPoint[] = [
  'grant.sent',
  'chunk.written',
  'staged.before_fsync',
  'blob.renamed',
  'accept.before_commit',
  'accept.committed_before_ack',
  'ack.sent',
]
const EVERY_DEATH: readonly Arming[] = [
  ...POINTS.map((point) => ({ point, nth: 1 })),
  ...OF_MEMBERS.map((point) => ({ point, nth: 2 })),
]

describe('a run whose processes die at every point comes out the same', () => {
  const worlds: CrashWorld[] = []
  const worldOf = async (config: RunConfig): Promise<CrashWorld> => {
    const world = await CrashWorld.create(config, clients)
    worlds.push(world)
    return world
  }
  beforeAll(async () => void (await useBackend('cpu')))
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.remove()
  })

  it.each([...ENTRIES, ...EPHEMERAL])('%s', async (_name, config) => {
    const undisturbed = await (await worldOf(config)).run()
    expect(undisturbed).toMatchObject({ state: 'finished', reason: null })
    const world = await worldOf(config)
    const record = await world.run(EVERY_DEATH)
    expect(record).toMatchObject({ state: 'finished', reason: null })
    expect(world.struck).toEqual(EVERY_DEATH.map(({ point }) => point))
    const verdict = judge(world.history.lines, {
      ...{ records: record.rounds, durability: config.durability ?? 'durable', exclusion: null },
      golden: drawsNoise(config) ? null : fingerprintOf(undisturbed.rounds),
      orphans: await world.orphans(),
    })
    const sameResult = drawsNoise(config) ? null : true
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, sameResult, problems: [] })
    expect(verdict.acked).toBeGreaterThanOrEqual(3 * clients.length)
  })
})
