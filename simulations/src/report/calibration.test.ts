import { describe, expect, it } from 'vitest'
import type { CalibratedClass, Diagnostics } from '#protocol/diagnostics.js'
import { countsOf, type Metrics, type RunRecord } from '#protocol/record.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import {
  calibrationMeans,
  calibrationsOf,
  calibrationSummary,
  lastCalibration,
} from './calibration.js'

type Round = NonNullable<NonNullable<Parameters<typeof madeUpRun>[0]>['rounds']>[number]
const scores = (accuracy: number, cat: number, dog: number, prefix = ''): Metrics => ({
  [`${prefix}accuracy`]: accuracy,
  [`${prefix}loss`]: 1 - accuracy,
  [`${prefix}recall/cat`]: cat,
  [`${prefix}recall/dog`]: dog,
})
const told = (when: string, rounds: readonly Round[], changes: Partial<RunRecord> = {}) =>
  madeUpRun({
    ...{ rounds, changes, members: [null, null, null] },
    config: { calibration: { name: 'ccvr', when } },
  })
const trained: Round = { metrics: scores(0.5, 0.9, 0.1) }
const calibrated: Round = { part: 'calibration', metrics: scores(0.75, 0.7, 0.8) }

describe('a calibration', () => {
  it('is the model after it beside the one that it corrects, class by class', () => {
    const [one, ...others] = calibrationsOf(told('final', [{}, trained, calibrated]))
    expect(others).toEqual([])
    expect(one).toMatchObject({
      ...{ round: 2, of: 1, scoredBy: 'coordinator', gain: 0.25 },
      before: { accuracy: 0.5, loss: 0.5 },
      after: { accuracy: 0.75, loss: 0.25 },
      worstBefore: { name: 'dog', recall: 0.1 },
      worstAfter: { name: 'cat', recall: 0.7 },
    })
    expect([...(one?.before?.recall ?? [])]).toEqual([
      ['cat', 0.9],
      ['dog', 0.1],
    ])
  })
  it('is scored by the clients where the coordinator has no data: before in its own round, after in the next', () => {
    const run = told('final', [
      {},
      { metrics: scores(0.1, 0.1, 0.1, 'federated/') },
      { part: 'calibration', metrics: scores(0.5, 0.9, 0.2, 'federated/') },
      { part: 'evaluation', metrics: scores(0.75, 0.7, 0.8, 'federated/') },
    ])
    expect(lastCalibration(run)).toMatchObject({
      ...{ scoredBy: 'clients', gain: 0.25 },
      before: { accuracy: 0.5 },
      after: { accuracy: 0.75 },
      worstBefore: { name: 'dog', recall: 0.2 },
    })
  })
  it('has no gain where only one of the models was scored', () => {
    const run = told('every-eval', [{}, {}, { part: 'calibration', metrics: { accuracy: 0.5 } }])
    expect(lastCalibration(run)).toMatchObject({
      ...{ scoredBy: null, before: null, gain: null, worstBefore: null, worstAfter: null },
      after: { accuracy: 0.5, loss: null },
    })
    expect(lastCalibration(told('final', [{}, {}, { part: 'calibration' }]))).toMatchObject({
      ...{ scoredBy: null, before: null, after: null, gain: null },
    })
  })
  it('may take several rounds, and happen several times', () => {
    const first = { part: 'calibration', bytesUp: 3, bytesDown: 1 } as const
    const run = told('every-eval', [
      {},
      trained,
      first,
      { ...calibrated, bytesUp: 4, bytesDown: 2 },
      trained,
      calibrated,
    ])
    expect(
      calibrationsOf(run).map(({ of, round, gain, bytesUp, bytesDown, durationMs }) => [
        ...[of, round, gain],
        ...[bytesUp, bytesDown, durationMs],
      ]),
    ).toEqual([
      [1, 3, 0.25, 7, 3, 1000],
      [4, 5, 0.25, 0, 0, 500],
    ])
    expect(lastCalibration(run)?.round).toBe(5)
    expect(lastCalibration(told('final', [{}, trained]))).toBeNull()
  })
  it('is not told before its last round is closed', () => {
    const running = { state: 'running' } as const
    const whole = told('final', [{}, trained, { part: 'calibration' }], running)
    expect(calibrationsOf(whole)).toHaveLength(1)
    const [start, before, gathering] = whole.rounds
    const half = { ...gathering!, modelHash: before!.modelHash }
    const rounds = [start!, before!, half]
    expect(calibrationsOf({ ...whole, rounds })).toEqual([])
    expect(calibrationsOf({ ...whole, rounds, state: 'finished' })).toHaveLength(1)
  })
})

describe('who was heard in a calibration', () => {
  it('are those who answered in its last round; the others by name', () => {
    const run = told('final', [
      {},
      trained,
      { part: 'calibration', clients: [{}, {}] },
      { ...calibrated, clients: [{}, null] },
    ])
    expect(lastCalibration(run)).toMatchObject({
      answered: [{ slot: 0, name: 'client-0' }],
      silent: [{ slot: 1, name: 'client-1' }],
      unasked: [{ slot: 2, name: 'client-2' }],
    })
    const summary = calibrationSummary(lastCalibration(run)!)
    expect(summary).toEqual({
      ...{ round: 3, before: 0.5, after: 0.75, gain: 0.25, worstBefore: 0.1, worstAfter: 0.7 },
      ...{ answered: 1, asked: 2, without: ['client-1', 'client-2'] },
    })
  })
  it('are so many of so many where it is hidden who they are, and nobody is called silent', () => {
    const run = told('final', [{}, trained, { ...calibrated, clients: [{}, null] }])
    const rounds = run.rounds.map((round) => ({
      ...round,
      ...{ counts: countsOf(round), cohort: [], accepted: [] },
    }))
    const last = lastCalibration({ ...run, rounds })
    expect(last).toMatchObject({ answered: [], silent: [], unasked: [] })
    expect(calibrationSummary(last!)).toMatchObject({ answered: 1, asked: 2, without: [] })
  })
  it('have their slots for names where the roster is not told', () => {
    const run = madeUpRun({ rounds: [{}, trained, { ...calibrated, clients: [null, {}] }] })
    expect(lastCalibration(run)?.silent).toEqual([{ slot: 0, name: 'slot 0' }])
  })
})

describe('what a calibration says of classes', () => {
  const one: CalibratedClass = {
    ...{ name: 'cat', examples: 7, clients: 2, status: 'low-rank', rank: 3, condition: 9 },
    ...{ jitter: 1e-4, betweenClients: 0.5, virtualExamples: 500 },
  }
  const virtual = { lossBefore: 2, lossAfter: 1, accuracyBefore: 0.4, accuracyAfter: 0.9 }
  const calibration: NonNullable<Diagnostics['calibration']> = {
    ...{ answered: [0], missing: [], classes: [one], virtual },
  }
  it('is what its last round measured', () => {
    const run = told('final', [{}, trained, { ...calibrated, diagnostics: { calibration } }])
    expect(lastCalibration(run)).toMatchObject({ classes: [one], virtual })
    expect(lastCalibration(told('final', [{}, calibrated]))).toMatchObject({
      ...{ classes: [], virtual: null },
    })
  })
})

describe('means over runs', () => {
  const one = {
    ...{ round: 2, before: 0.5, after: 0.625, gain: 0.125, worstBefore: 0.1, worstAfter: 0.3 },
    ...{ answered: 2, asked: 3, without: ['client-2'] },
  }
  const other = { ...one, before: 0.25, after: 0.75, gain: 0.5, worstBefore: 0.3, worstAfter: 0.7 }
  const unscored = { ...one, before: 0.9, after: null, gain: null }
  it('are over the runs that have a gain', () => {
    expect(calibrationMeans([one, null, other, unscored])).toMatchObject({
      ...{ runs: 2, before: 0.375, after: 0.6875, gain: 0.3125 },
      ...{ worstBefore: 0.2, worstAfter: 0.5, answered: 4, asked: 6 },
    })
    // Gains 0.125 and 0.5: 0.375 apart, over the root of two.
    expect(calibrationMeans([one, other])?.spread).toBeCloseTo(0.375 / Math.SQRT2, 12)
    expect(calibrationMeans([one])?.spread).toBeNull()
  })
  it('are of what there is where nothing was scored, and null where nothing was calibrated', () => {
    expect(calibrationMeans([unscored])).toMatchObject({
      ...{ runs: 1, before: 0.9, after: null, gain: null, spread: null },
    })
    expect(calibrationMeans([null])).toBeNull()
  })
})
