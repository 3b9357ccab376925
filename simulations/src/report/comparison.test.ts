import { describe, expect, it } from 'vitest'
import { madeUpRun } from '#testing/made-up-runs.js'
import {
  comparisonRow,
  configurationDifferences,
  configurationValues,
  groupRuns,
  sharedConfiguration,
} from './comparison.js'

const seedsOf = (groups: ReturnType<typeof groupRuns>) =>
  groups.map((group) => group.map(({ config }) => config.seed))

describe('grouping', () => {
  it('puts runs together that differ in their seed alone, in order of appearance and then by seed', () => {
    const a = (seed: number) => madeUpRun({ seed })
    const b = (seed: number) => madeUpRun({ seed, config: { rounds: 3 } })
    expect(seedsOf(groupRuns([b(6), a(0), b(5), a(1)]))).toEqual([
      [5, 6],
      [0, 1],
    ])
    expect(groupRuns([])).toEqual([])
  })
  it('keeps runs apart that have other names', () => {
    expect(groupRuns([madeUpRun({ name: 'x' }), madeUpRun({ name: 'y', seed: 1 })])).toHaveLength(2)
  })

  const onData = (seed: number, partition: string, startFrom: string | null = null) =>
    madeUpRun({ seed, config: { data: { name: 'mnist', partition }, startFrom } })
  it('lets data follow the seed, and what a run starts from follow the data', () => {
    const [one, two] = ['1', '2'].map((digit) => digit.repeat(64))
    const follows = [onData(0, 'iid:seed=0'), onData(12, 'iid:seed=12')]
    expect(groupRuns(follows)).toHaveLength(1)
    expect(groupRuns([onData(0, 'iid:seed=0', one), onData(12, 'iid:seed=12', two)])).toHaveLength(
      1,
    )
    // Other starts on the same data are another configuration.
    expect(groupRuns([onData(0, 'iid', one), onData(12, 'iid', two)])).toHaveLength(2)
    expect(sharedConfiguration(follows).get('data.partition')).toBe('"iid:seed={seed}"')
    expect(sharedConfiguration(follows).has('seed')).toBe(false)
  })
  it('does not take a number for the seed because it looks like one', () => {
    // The partition is dealt with seed 7 for all, the run of seed 7 among them.
    expect(groupRuns([0, 1, 7].map((seed) => onData(seed, 'iid:seed=7')))).toHaveLength(1)
    expect(groupRuns([onData(1, 'iid:seed=10'), onData(2, 'iid:seed=20')])).toHaveLength(2)
    expect(groupRuns([onData(1, 'shards:1'), onData(2, 'shards:2')])).toHaveLength(2)
  })
})

describe('a row', () => {
  const run = (seed: number, accuracy: number) =>
    madeUpRun({
      seed,
      rounds: [
        { metrics: { accuracy: 0.1, loss: 3 } },
        { metrics: { accuracy, loss: 1 + seed }, bytesUp: 100 * (seed + 1), bytesDown: 10 },
        {
          part: 'evaluation',
          metrics: { 'federated/lowestAccuracy': 0.5 + seed / 10 },
          bytesUp: 7,
        },
      ],
    })
  it('has the mean and the sample deviation of what its runs reached', () => {
    // (0.7 + 0.8 + 0.9) / 3 = 0.8; deviations -0.1, 0, 0.1: sqrt(0.02 / 2) = 0.1
    const row = comparisonRow([run(0, 0.7), run(1, 0.8), run(2, 0.9)])
    expect(row).toMatchObject({ name: 'study', method: 'fedavg', model: 'mlp', seeds: [0, 1, 2] })
    expect(row.accuracy).toBeCloseTo(0.8, 12)
    expect(row.spread).toBeCloseTo(0.1, 12)
    expect(row).toMatchObject({ rounds: 2, loss: 2, bytesUp: 207, bytesDown: 10, seconds: 1.5 })
    expect(row.lowestClient).toBeCloseTo(0.6, 12)
    expect(row.highestClient).toBeNull()
  })
  it('is a mean over the runs that measured, and null where none did', () => {
    const silent = madeUpRun({ seed: 3, rounds: [{}] })
    expect(comparisonRow([run(0, 0.7), silent])).toMatchObject({ accuracy: 0.7, spread: 0 })
    expect(comparisonRow([silent])).toMatchObject({ accuracy: null, spread: null, loss: null })
  })
})

describe('differences of configurations', () => {
  it('are told key by key, a missing key too', () => {
    const runs = [
      madeUpRun({ name: 'x' }),
      madeUpRun({ name: 'y', config: { method: { name: 'fedprox', mu: 0.1 } } }),
    ]
    expect(configurationDifferences(runs.map(configurationValues))).toEqual([
      { key: 'method.mu', values: ['–', '0.1'] },
      { key: 'method.name', values: ['"fedavg"', '"fedprox"'] },
    ])
    expect(configurationDifferences([])).toEqual([])
  })
})
