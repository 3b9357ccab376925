import { describe, expect, it } from 'vitest'
import type { Metrics, RunRecord } from '#protocol/record.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import {
  clientValues,
  aboutOf,
  latestBelow,
  metric,
  rangesByName,
  trajectory,
} from './trajectories.js'

/** A run whose rounds measured these; each round from the first sends 6 bytes up and 4 down. */
const run = (seed: number, values: readonly (number | null)[], name = 'accuracy') =>
  madeUpRun({
    seed,
    rounds: values.map((value, i) => ({
      metrics: value === null ? {} : { [name]: value },
      ...(i === 0 ? {} : { bytesUp: 6, bytesDown: 4 }),
    })),
  })

const TRAINED = { isCalibrated: false }

describe('a trajectory', () => {
  const accuracy = metric('accuracy')
  it('has mean, lowest and highest run of each round, and the bytes until then', () => {
    expect(trajectory([run(0, [0.1, 0.5, 0.75]), run(1, [0.3, 0.25, 0.25])], accuracy)).toEqual([
      { round: 0, mean: 0.2, low: 0.1, high: 0.3, bytes: 0, ...TRAINED },
      { round: 1, mean: 0.375, low: 0.25, high: 0.5, bytes: 10, ...TRAINED },
      { round: 2, mean: 0.5, low: 0.25, high: 0.75, bytes: 20, ...TRAINED },
    ])
  })
  it('has only rounds that every run measured, and takes no notice of runs that never did', () => {
    const runs = [run(0, [0.1, null, 0.7]), run(1, [0.1, 0.5, 0.8, 0.9]), run(2, [null, null])]
    const rounds = (of: typeof runs) => trajectory(of, accuracy).map(({ round }) => round)
    expect(rounds(runs)).toEqual([0, 2])
    expect(rounds(runs.toReversed())).toEqual([0, 2])
    expect(trajectory([run(0, [null])], accuracy)).toEqual([])
    expect(trajectory([], accuracy)).toEqual([])
  })
  it('puts a score of the clients to the model that they received', () => {
    const name = 'federated/accuracy'
    expect(aboutOf(name)).toBe('received')
    expect(aboutOf('clients/deviation')).toBe('received')
    expect(aboutOf('accuracy')).toBe('made')
    const points = trajectory([run(0, [null, 0.1, 0.6], name)], metric(name), aboutOf(name))
    expect(points).toEqual([
      { round: 0, mean: 0.1, low: 0.1, high: 0.1, bytes: 0, ...TRAINED },
      { round: 1, mean: 0.6, low: 0.6, high: 0.6, bytes: 10, ...TRAINED },
    ])
  })
})

describe('a trajectory over a calibration', () => {
  const score = 'federated/accuracy'
  /** Each entry: the part, and what its round told. Every round sends 10 bytes. */
  const told = (
    when: string,
    rounds: readonly (readonly ['method' | 'calibration' | 'evaluation', Metrics])[],
  ) =>
    madeUpRun({
      config: { calibration: { name: 'ccvr', when } },
      rounds: rounds.map(([part, metrics]) => ({ part, metrics, bytesUp: 10 })),
    })
  const points = (run: RunRecord, name: string) =>
    trajectory([run], metric(name), aboutOf(name)).map(({ round, mean, bytes, isCalibrated }) => [
      ...[round, mean, bytes],
      isCalibrated ? 'calibrated' : 'trained',
    ])

  it('tells calibrated models from trained ones, and measures the last one once', () => {
    const run = told('final', [
      ['method', { accuracy: 0.1 }],
      ['method', { accuracy: 0.5 }],
      ['calibration', { accuracy: 0.7 }],
      ['evaluation', { accuracy: 0.7 }],
    ])
    expect(points(run, 'accuracy')).toEqual([
      [0, 0.1, 10, 'trained'],
      [1, 0.5, 20, 'trained'],
      [2, 0.7, 30, 'calibrated'],
    ])
  })
  it('puts the score of each round to the model that it sent', () => {
    const run = told('final', [
      ['method', {}],
      ['method', { [score]: 0.1 }],
      ['calibration', { [score]: 0.5 }],
      ['calibration', {}],
      ['evaluation', { [score]: 0.7 }],
    ])
    expect(points(run, score)).toEqual([
      [0, 0.1, 10, 'trained'],
      [1, 0.5, 20, 'trained'],
      [3, 0.7, 40, 'calibrated'],
    ])
  })
  it('knows whether training went on from the calibrated model', () => {
    const rounds = [
      ['method', {}],
      ['method', { [score]: 0.1 }],
      ['calibration', { [score]: 0.5 }],
      ['method', { [score]: 0.6 }],
    ] as const
    expect(points(told('every-eval', rounds), score)).toEqual([
      [0, 0.1, 10, 'trained'],
      [1, 0.6, 20, 'trained'],
    ])
    expect(points(told('every-round', rounds), score)).toEqual([
      [0, 0.1, 10, 'trained'],
      [1, 0.5, 20, 'trained'],
      [2, 0.6, 30, 'calibrated'],
    ])
  })
  it('takes no mean of trained and calibrated models', () => {
    const short = told('final', [
      ['method', { accuracy: 0.1 }],
      ['calibration', { accuracy: 0.7 }],
    ])
    const long = told('final', [
      ['method', { accuracy: 0.3 }],
      ['method', { accuracy: 0.5 }],
      ['calibration', { accuracy: 0.9 }],
    ])
    const both = trajectory([short, long], metric('accuracy'), 'made')
    expect(both.map(({ round, mean }) => [round, mean])).toEqual([[0, 0.2]])
  })
})

describe('values by name', () => {
  it('are those of the last round that has any', () => {
    const record = madeUpRun({
      rounds: [
        { metrics: { 'recall/a': 0.1, 'recall/b': 0.2 } },
        { metrics: { 'recall/a': 0.7, 'recall/with/slash': 0.9, accuracy: 0.8 } },
        { metrics: { accuracy: 0.9 } },
      ],
    })
    expect(latestBelow(record, 'recall/')).toEqual(
      new Map([
        ['a', 0.7],
        ['with/slash', 0.9],
      ]),
    )
    expect(latestBelow(record, 'routing/usage/').size).toBe(0)
  })
  it('range over the runs that have them', () => {
    const ranges = rangesByName([new Map([['a', 1]]), new Map([['a', 3]]), new Map([['b', 5]])])
    expect(ranges).toEqual(
      new Map([
        ['a', { mean: 2, low: 1, high: 3 }],
        ['b', { mean: 5, low: 5, high: 5 }],
      ]),
    )
  })
})

describe('values of clients', () => {
  const training = { clients: [{ loss: 0.9 }, { loss: 0.8 }, {}] }
  it('are the accuracies of the final evaluation', () => {
    const evaluation = {
      part: 'evaluation',
      clients: [{ accuracy: 0.5, loss: 2 }, {}, { accuracy: 0.75 }],
    } as const
    expect(clientValues(madeUpRun({ rounds: [{}, training, evaluation] }))).toEqual({
      kind: 'accuracy',
      bySlot: new Map([
        [0, 0.5],
        [2, 0.75],
      ]),
    })
  })
  it('are else the latest training loss of each, and null where nobody told anything', () => {
    const silent = { part: 'evaluation', clients: [{}, {}, {}] } as const
    const later = { clients: [{}, { loss: 0.4 }, {}] }
    expect(clientValues(madeUpRun({ rounds: [{}, training, later, silent] }))).toEqual({
      kind: 'loss',
      bySlot: new Map([
        [0, 0.9],
        [1, 0.4],
      ]),
    })
    expect(clientValues(madeUpRun({ rounds: [{}, silent] }))).toBeNull()
  })
})
