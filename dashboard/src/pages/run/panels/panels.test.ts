import { describe, expect, it } from 'vitest'
import type { RoundRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Curve, RunView } from '#protocol/run-views.js'
import { calibrationOf, points } from './calibration.js'
import { confusionShares, worstConfusion } from './confusion.js'
import { clientScores, isSame, meanLine } from './fairness.js'
import { labelsOf } from './labels.js'
import { alsoLeaving, transformSteps } from './leaving.js'
import { grouped, isFlat, ownMetrics } from './own-metrics.js'
import { evenly, recallNames, recallTable } from './recall.js'
import { usageNames, usageTable } from './usage.js'

const curve = (name: string, rounds: number[], values: (number | null)[]): Curve => ({
  ...{ name, rounds, values },
  ...{ seconds: rounds, bytes: rounds },
})

describe('labels that clients hold', () => {
  const view = (...counts: readonly (readonly number[] | null)[]) =>
    ({
      config: { task: { classes: ['a', 'b'] } },
      roster: counts.map((perClass, slot) => ({
        ...{ slot, name: `node ${slot}` },
        card: perClass === null ? null : { counts: { perClass } },
      })),
    }) as unknown as RunView
  it('counts, shares, and who does not tell', () => {
    const labels = labelsOf(view([30, 10], null, [0, 0]))
    expect(labels.clients).toEqual(['node 0', 'node 2'])
    expect(labels.shares).toEqual([
      [0.75, 0.25],
      [0, 0],
    ])
    expect([labels.silent, labels.examples, labels.skew]).toEqual([1, 40, null])
  })
  it('skew is 0 for equal mixtures and grows as they part', () => {
    expect(labelsOf(view([10, 30], [1, 3])).skew).toBe(0)
    expect(labelsOf(view([10, 0], [0, 10])).skew).toBe(0.5)
    expect(labelsOf(view([10, 0], [5, 5])).skew).toBeCloseTo(0.25)
  })
})

describe('recall and use, round by round', () => {
  it('in label order, of those that are known', () => {
    const names = ['recall/b', 'recall/a', 'federated/recall/a', 'loss']
    expect(recallNames(names, ['a', 'b', 'c'], 'central')).toEqual(['recall/a', 'recall/b'])
    expect(recallNames(names, ['a', 'b', 'c'], 'clients')).toEqual(['federated/recall/a'])
  })
  it('of many rounds the first, the last and some evenly between; gaps are gaps', () => {
    expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8], 3)).toEqual([0, 4, 8])
    const table = recallTable(
      [curve('recall/a', [0, 1, 2], [0, 0.5, 1]), curve('recall/b', [0, 2], [0.1, null])],
      ...(['central', 3] as const),
    )
    expect(table).toEqual({
      classes: ['a', 'b'],
      rounds: [0, 1, 2],
      values: [
        [0, 0.5, 1],
        [0.1, null, null],
      ],
    })
  })
  it('entries of a pool stand by number, not by name', () => {
    const names = usageNames(['routing/usage/10', 'routing/usage/2', 'routing/similarity'])
    expect(names).toEqual(['routing/usage/2', 'routing/usage/10'])
    const table = usageTable(
      names.map((name, i) => curve(name, [1, 2], [0.5, i / 4])),
      40,
    )
    expect([table.entries, table.latest]).toEqual([
      ['2', '10'],
      [0, 0.25],
    ])
  })
})

describe('how clients are served', () => {
  it('the mean with a band that ends where shares do', () => {
    const line = meanLine(
      curve('clients/accuracy', [1, 2], [0.9, 0.5]),
      curve('clients/deviation', [1], [0.2]),
    )
    expect(line?.band?.low.map((value) => value?.toFixed(1))).toEqual(['0.7', undefined])
    expect(line?.band?.high).toEqual([1, null])
    expect(meanLine(undefined, undefined)).toBeNull()
  })
  it('the latest score of each, from the lowest', () => {
    const members = [
      { slot: 0, rounds: [1, 2], values: [0.1, 0.8] },
      { slot: 1, rounds: [1, 2], values: [0.4, null] },
    ]
    const roster = [{ slot: 0, name: 'Bergen' }] as unknown as RunView['roster']
    const scores = clientScores({ name: 'accuracy', members }, roster)
    expect(scores.names).toEqual(['1', 'Bergen'])
    expect(scores.mean).toBeCloseTo(0.6)
    expect(isSame(curve('a', [1], [1]), curve('b', [1], [1]))).toBe(true)
  })
})

describe('what is taken for what', () => {
  const confusion = [
    [3, 1, 0],
    [0, 0, 0],
    [2, 0, 2],
  ]
  it('in shares of each label, unknown where it has no example', () => {
    expect(confusionShares(confusion)).toEqual([
      [0.75, 0.25, 0],
      [null, null, null],
      [0.5, 0, 0.5],
    ])
  })
  it('most often, and never for itself', () => {
    expect(worstConfusion(confusion)).toEqual({ label: 2, predicted: 0, examples: 2 })
    expect(worstConfusion([[5]])).toBeNull()
  })
})

describe('what a calibration did', () => {
  const round = (at: number, part: string, metrics: object): RoundRecord =>
    ({ round: at, part, metrics, cohort: [0, 1], accepted: [] }) as unknown as RoundRecord
  it('compares with the trained model, scored by the coordinator', () => {
    const found = calibrationOf(
      [
        round(1, 'method', { accuracy: 0.6, 'recall/a': 0.1 }),
        round(2, 'calibration', { 'calibration/clients': 1, 'calibration/asked': 2 }),
        round(3, 'calibration', { accuracy: 0.7, 'recall/a': 0.5, 'calibration/clients': 2 }),
        round(4, 'evaluation', { accuracy: 0.7 }),
      ],
      ['a', 'b'],
    )
    expect(found).toMatchObject({ round: 3, scoredBy: 'coordinator', answered: 2, asked: 2 })
    expect([found?.before.recall, found?.after.recall]).toEqual([
      [0.1, null],
      [0.5, null],
    ])
  })
  it('or by clients, who score what they receive: the calibrated model one round later', () => {
    const found = calibrationOf(
      [
        round(2, 'method', { 'federated/accuracy': 0.1 }),
        round(3, 'calibration', { 'federated/accuracy': 0.6 }),
        round(4, 'evaluation', { 'federated/accuracy': 0.8 }),
      ],
      ['a'],
    )
    expect([found?.scoredBy, found?.before.accuracy, found?.after.accuracy]).toEqual([
      ...['clients', 0.6, 0.8],
    ])
  })
  it('none of it where no round calibrated', () => {
    expect(calibrationOf([round(1, 'method', { accuracy: 1 })], [])).toBeNull()
    expect([points(0.059), points(-0.01)]).toEqual(['+5.90 points', '-1.00 points'])
  })
})

describe('what leaves a node', () => {
  const config = (more: object): RunConfig =>
    ({ method: { name: 'fedavg' }, evaluation: { federated: false }, ...more }) as RunConfig
  it('every transform in its order, with its numbers; also those that nobody here knows', () => {
    const updates = [
      { name: 'clip', norm: 2 },
      { name: 'gaussian-noise', stddev: 0.5 },
      { name: 'toString', x: 1 },
    ]
    const steps = transformSteps(config({ updates }))
    expect(steps.map(({ name }) => name)).toEqual(['Clip', 'Gaussian noise', 'toString'])
    expect(steps[0]?.text).toContain('longer than 2 ')
    expect(steps[2]?.text).toBe('{"x":1}')
    expect(transformSteps({})).toEqual([])
  })
  it('rows of examples, statistics and scores', () => {
    expect(alsoLeaving(config({}))).toEqual([])
    const told = alsoLeaving(
      config({
        method: { name: 'fedd2s', profile: 'features', rows: 'examples' },
        calibration: { name: 'ccvr', epsilon: 3 },
        evaluation: { federated: true, diagnostics: {} },
      }),
    )
    expect(told).toHaveLength(4)
    expect(told[0]).toContain('labels of single examples')
    expect(told[1]).toContain('ε = 3')
  })
})

describe('what a method measures of itself', () => {
  it('is what has no place elsewhere, together where names differ in their end', () => {
    const own = ownMetrics(['accuracy', 'loss', 'cut', 'group/0', 'group/1', 'samples', 'lossOf'])
    expect(own).toEqual(['group/0', 'group/1', 'samples', 'lossOf'])
    expect(grouped(own).map(({ title }) => title)).toEqual(['group', 'samples', 'lossOf'])
    expect([isFlat(curve('a', [1, 2], [4, 4])), isFlat(curve('a', [1, 2], [4, 5]))]).toEqual([
      ...[true, false],
    ])
  })
})
