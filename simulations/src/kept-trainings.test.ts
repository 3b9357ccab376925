import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256, type Slot } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import type { RunRecord } from '#protocol/record.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { keptOf } from '#algorithms/methods/kept-training.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { sourcesOfConfig } from './client-data.js'
import { rehearsalsIn } from './rehearsals.js'
import { replay } from './replay.js'
import { runSimulated, type SimulateOptions } from './simulate.js'

const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-kept-'))
afterAll(() => rm(runsDirectory, { recursive: true, force: true }))
const OPTIONS: SimulateOptions = { workers: 0, runsDirectory }

const CONFIG: RunConfig = unwrap(
  parseRunConfig(
    {
      task: { inputShape: [4], classes: ['0', '1', '2'] },
      model: { name: 'mlp', hidden: [6, 5] },
      method: { name: 'fedd2s' },
      training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.05 } },
      cohort: { size: 3, minReporters: 2, attempts: 2 },
      data: {
        name: 'synthetic',
        path: 'blobs:count=120:classes=3:features=4',
        ...{ partition: 'dirichlet:1:seed=3', clients: 4 },
      },
      evaluation: { federated: true, every: 6 },
      compute: { backend: 'cpu' },
      rounds: 6,
      seed: 7,
    },
    configCatalogue(),
  ),
)
const slotsOf = ({ cohort }: Opening): readonly Slot[] => cohort.map(({ slot }) => slot)
const recorded = async (
  replies: Pick<Parameters<typeof runSimulated>[0], 'reporters' | 'rehearsals'>,
): Promise<RunRecord> => {
  const sources = sourcesOfConfig(CONFIG)
  return (await runSimulated({ config: CONFIG, sources, kind: 'simulated', ...replies }, OPTIONS))
    .record
}
const hashes = ({ rounds }: RunRecord): object =>
  rounds.map(({ stateHash, accepted }) => [stateHash, accepted.map((update) => update.sha256)])
/** What slots told of trainings that were kept: [round in which it was told, slot, kept in round, times]. */
const toldIn = ({ rounds }: RunRecord) =>
  rounds.flatMap(({ round, accepted }) =>
    accepted.flatMap(({ slot, metrics }) =>
      [...keptOf(metrics)].map(([kept, times]) => ({ round, slot, kept, times })),
    ),
  )

describe('a replay of trainings that were kept though they did not count', () => {
  let abandoned: RunRecord
  let late: RunRecord
  beforeAll(async () => {
    // In the first attempt of round 2 one member reports, which is too few: it has trained.
    abandoned = await recorded({
      reporters: (opening) =>
        opening.round === 2 && opening.attempt === 1
          ? slotsOf(opening).slice(0, 1)
          : slotsOf(opening),
    })
    // In rounds 2 and 3 the first member trains and is too late.
    const isLate = ({ round }: Opening): boolean => round === 2 || round === 3
    late = await recorded({
      reporters: (opening) => slotsOf(opening).slice(isLate(opening) ? 1 : 0),
      rehearsals: (opening) => new Map(isLate(opening) ? [[slotsOf(opening)[0] ?? -1, 1]] : []),
    })
  }, 60_000)

  it('comes to the same updates after a round that was tried twice', async () => {
    const [told] = toldIn(abandoned)
    expect(told).toMatchObject({ kept: 2, times: 1 })
    // The second attempt asked others.
    expect(abandoned.rounds[2]).toMatchObject({ attempt: 2 })
    expect(abandoned.rounds[2]?.cohort).not.toContain(told?.slot)
    const again = await replay(abandoned, OPTIONS)
    expect(hashes(again.record)).toEqual(hashes(abandoned))
  })

  it('comes to the same updates after updates that came too late', async () => {
    expect(toldIn(late).map(({ kept }) => kept)).toEqual(expect.arrayContaining([2, 3]))
    const again = await replay(late, OPTIONS)
    expect(hashes(again.record)).toEqual(hashes(late))
  })

  it('goes astray without them, and says so by the first slot whose update differs', async () => {
    const [told] = toldIn(late)
    const deaf: RunRecord = {
      ...late,
      rounds: late.rounds.map((round) => ({
        ...round,
        accepted: round.accepted.map((update) => ({
          ...update,
          metrics: Object.fromEntries(
            Object.entries(update.metrics).filter(([name]) => !name.startsWith('kept/')),
          ),
        })),
      })),
    }
    await expect(replay(deaf, OPTIONS)).rejects.toMatchObject({
      code: 'replay/different',
      message: expect.stringMatching(
        new RegExp(`^Round ${told?.round} .*the update of slot ${told?.slot} is`),
      ) as string,
    })
  })

  it('compares what every slot sent, though the model is the same', async () => {
    const rounds = late.rounds.map((round) => ({
      ...round,
      accepted: round.accepted.map((update, i) =>
        round.round === 4 && i > 0 ? { ...update, sha256: sha256('bit') } : update,
      ),
    }))
    const [, second, third] = late.rounds[4]?.accepted.map(({ slot }) => slot) ?? []
    await expect(replay({ ...late, rounds }, OPTIONS)).rejects.toMatchObject({
      code: 'replay/different',
      message: expect.stringMatching(
        new RegExp(
          `^Round 4 ends at the recorded model; the update of slot ${second} is .*; those of slots ${third} differ, too$`,
        ),
      ) as string,
    })
  })
})

describe('what a record tells of kept trainings', () => {
  const round = (number: number, metrics: Readonly<Record<string, number>>, attempt = 2) =>
    ({
      round: number,
      attempt,
      accepted: [{ slot: 3, metrics }],
    }) as unknown as RunRecord['rounds'][0]

  it('is counted once, however often it is told', () => {
    const rounds = [round(1, {}), round(2, { 'kept/1': 2 }), round(3, { 'kept/1': 2, 'kept/2': 1 })]
    expect(rehearsalsIn({ rounds })).toEqual(
      new Map([
        [1, new Map([[3, 2]])],
        [2, new Map([[3, 1]])],
      ]),
    )
  })

  it.each([
    ['more trainings than attempts', { 'kept/1': 3 }],
    ['a round that was not', { 'kept/7': 1 }],
    ['half a training', { 'kept/1': 0.5 }],
    ['a training too few', { 'kept/1': 0 }],
  ])('is refused when it cannot be: %s', (_, metrics) => {
    expect(() => rehearsalsIn({ rounds: [round(1, {}), round(2, metrics)] })).toThrow(
      expect.objectContaining({ code: 'replay/different' }),
    )
  })
})
