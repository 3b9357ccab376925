import { describe, expect, it } from 'vitest'
import type { CalibratedClass } from '#protocol/diagnostics.js'
import type { RunRecord } from '#protocol/record.js'
import {
  calibrationMeans,
  calibrationSummary,
  lastCalibration,
} from '#simulations/report/calibration.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { shownBy } from '#testing/shown-output.js'
import {
  calibrationLine,
  calibrationMeansLine,
  classTable,
  printCalibration,
} from './calibration-text.js'
import { printRecall } from './summary.js'

const CLASSES = ['cat', 'dog', 'owl', 'fox']
const classOf = (name: string, status: CalibratedClass['status'], examples: number) => ({
  ...{ name, status, examples, clients: examples > 0 ? 2 : 0, rank: null, condition: null },
  ...{ jitter: null, betweenClients: null, virtualExamples: 500 },
})
const scores = (accuracy: number, cat: number, dog: number) => ({
  ...{ accuracy, loss: 2 - accuracy, 'recall/cat': cat, 'recall/dog': dog },
})
const run = madeUpRun({
  classes: CLASSES,
  config: { calibration: { name: 'ccvr', when: 'final' } },
  members: [[903, 10, 0, 1], null, null],
  rounds: [
    { metrics: scores(0.1, 0, 0.5) },
    { metrics: scores(0.5, 0.25, 0.75) },
    {
      part: 'calibration',
      clients: [{}, null],
      metrics: { ...scores(0.625, 0.5, 0.75), 'calibration/examples': 908 },
      ...{ bytesUp: 2_000_000, bytesDown: 1000 },
      diagnostics: {
        calibration: {
          ...{ answered: [0], missing: [1] },
          classes: [
            classOf('cat', 'ok', 900),
            classOf('dog', 'low-rank', 7),
            classOf('owl', 'single', 1),
            classOf('fox', 'missing', 0),
          ],
          virtual: { lossBefore: 2, lossAfter: 0.5, accuracyBefore: 0.25, accuracyAfter: 1 },
        },
      },
    },
  ],
})

const lastOf = (record: RunRecord) => lastCalibration(record)!

describe('a calibration in words', () => {
  it('is one line with before, after, and without whom', () => {
    expect(calibrationLine(calibrationSummary(lastOf(run)))).toBe(
      'calibrated in round 2: accuracy 50.00 % → 62.50 % (+12.50 points), worst class 25.00 % → 50.00 %; 1 of 2 answered, without client-1, client-2',
    )
    const bare = madeUpRun({ rounds: [{}, {}, { part: 'calibration', clients: [{}] }] })
    expect(calibrationLine(calibrationSummary(lastOf(bare)))).toBe(
      'calibrated in round 2: accuracy – → –; 1 of 1 answered',
    )
  })
  it('says of several runs how far they differ', () => {
    const one = calibrationSummary(lastOf(run))
    const means = calibrationMeans([one, { ...one, after: 0.5, gain: 0 }])!
    expect(calibrationMeansLine(means)).toBe(
      'calibration 50.00 % → 56.25 %, +6.25 points ± 8.84 over 2 runs',
    )
  })
  it('is a section that tells who is not in it, and which classes got less', () => {
    expect(shownBy((out) => printCalibration(out, run))).toEqual([
      '',
      'Calibration by ccvr in round 2, of the model of round 1',
      "  accuracy     50.00 % before, 62.50 % after: +12.50 points, on the coordinator's test data",
      '  loss         1.5000 before, 1.3750 after',
      '  worst class  25.00 % (cat) before, 50.00 % (cat) after',
      '  answered     1 of 2 that were asked',
      '  without      client-1: asked, and no answer that counts',
      '  not asked    client-2: in the run, and out of reach',
      '  examples     908 of the 914 that these members have',
      '  missing      fox: nobody has an example, so its part of the head is as it was',
      '  single       owl: one example, so it borrows the spread of all classes',
      '  low-rank     dog: no more examples than features, so its spread is known in part',
      '  virtual      loss 2 → 0.5, accuracy 25.00 % → 100.00 %, of the head on virtual features',
      '  cost         2.00 MB up, 1.00 kB down, 0.5 s',
    ])
    expect(shownBy((out) => printCalibration(out, madeUpRun({ rounds: [{}] })))).toEqual([])
  })
  it('tells the loss on real features where these were told, and nothing it does not know', () => {
    const metrics = {
      ...{ 'calibration/realLoss/before': 2, 'calibration/realLoss/after': 0.5 },
      ...{ 'calibration/realAccuracy/before': 0.25, 'calibration/realAccuracy/after': 1 },
    }
    const real = madeUpRun({ rounds: [{}, {}, { part: 'calibration', clients: [{}], metrics }] })
    expect(shownBy((out) => printCalibration(out, real)).slice(2)).toEqual([
      '  accuracy  not measured: the run has no evaluation of these models',
      '  answered  1 of 1 that were asked',
      '  real      loss 2 → 0.5, accuracy 25.00 % → 100.00 %, of the head on real features',
      '  cost      0 B up, 0 B down, 0.5 s',
    ])
  })
  it('lists every calibration where there were several', () => {
    const again = madeUpRun({
      rounds: [
        ...[{}, { metrics: { accuracy: 0.5 } }],
        { part: 'calibration', clients: [{}], metrics: { accuracy: 0.75 } },
        { metrics: { accuracy: 0.5 } },
        { part: 'calibration', clients: [{}, null], metrics: { accuracy: 0.25 } },
      ],
    })
    expect(shownBy((out) => printCalibration(out, again)).slice(-4)).toEqual([
      '  It is the last of 2:',
      'round | before | after | gain | answered',
      '2 | 50.00 % | 75.00 % | +25.00 points | 1/1',
      '4 | 50.00 % | 25.00 % | -25.00 points | 1/2',
    ])
  })
  it('counts names that are too many to read', () => {
    const clients = Array.from({ length: 20 }, () => null)
    const crowd = madeUpRun({ rounds: [{}, {}, { part: 'calibration', clients }] })
    const line = calibrationLine(calibrationSummary(lastOf(crowd)))
    expect(line).toMatch(/without slot 0, .*, slot 11 and 8 more$/)
  })
})

describe('the classes of a calibration', () => {
  it('stand before and after, in label order, with what is known of their moments', () => {
    const { head, rows } = classTable(lastOf(run), CLASSES)
    expect(head).toEqual([
      ...['class', 'examples', 'clients', 'recall before, round 1', 'recall after, round 2'],
      ...['change, points', 'moments'],
    ])
    expect(rows).toEqual([
      ['cat', '900', '2', '25.00 %', '50.00 %', '+25.00', 'ok'],
      ['dog', '7', '2', '75.00 %', '75.00 %', '0.00', 'low-rank'],
      ['owl', '1', '2', '–', '–', '–', 'single'],
      ['fox', '0', '0', '–', '–', '–', 'missing'],
    ])
  })
  it('take the place of the recall at the beginning, where a run has them', () => {
    expect(shownBy((out) => printRecall(out, run))[0]).toMatch(/recall before, round 1/)
    const trained = { ...run, rounds: run.rounds.slice(0, 2) }
    expect(shownBy((out) => printRecall(out, trained)).slice(0, 2)).toEqual([
      'class | recall, round 0 | recall, round 1',
      'cat | 0.00 % | 25.00 %',
    ])
  })
})
