import { describe, expect, it } from 'vitest'
import { madeUpClass, madeUpGeometry, madeUpLocal } from '#testing/made-up-diagnostics.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { firstRow, headings, seen } from '#testing/read-report.js'
import { compareReport } from './report.js'

const scores = (accuracy: number, cat: number, dog: number) => ({
  ...{ accuracy, loss: 1 - accuracy, 'recall/cat': cat, 'recall/dog': dog },
})
const local = (hidden: number, pairs = true) => {
  const { layers, ...rest } = madeUpLocal({
    ...{ clients: 2, layers: { hidden: [200, hidden], logits: [10, hidden / 2] } },
    headNorms: [
      [3, 1],
      [1, 2],
    ],
  })
  return {
    ...rest,
    layers: layers.map(({ pairs: own = [], ...layer }) =>
      pairs ? { ...layer, pairs: own } : layer,
    ),
  }
}
const virtual = { lossBefore: 1, lossAfter: 0.5, accuracyBefore: 0.5, accuracyAfter: 0.75 }
/** Trained for two rounds, both compared; then calibrated without its second client. */
const run = (seed: number, name = 'study') =>
  madeUpRun({
    ...{
      name,
      seed,
      members: [[8, 2], null],
      config: { calibration: { name: 'ccvr', when: 'final' } },
    },
    rounds: [
      { metrics: scores(0.25, 0.5, 0) },
      { diagnostics: { local: local(0.5), headNorms: [2, 1], geometry: madeUpGeometry() } },
      {
        metrics: scores(0.5 + seed / 8, 1, 0.25),
        diagnostics: {
          local: local(0.75),
          headNorms: [3, 1],
          geometry: madeUpGeometry({ selfDuality: 1.25 }),
        },
      },
      {
        part: 'calibration',
        clients: [{}, null],
        metrics: scores(0.75, 0.75, 0.5),
        diagnostics: {
          ...{ headNorms: [1.5, 1], geometry: madeUpGeometry({ selfDuality: 1 }) },
          calibration: {
            ...{ answered: [0], missing: [1], virtual },
            classes: [madeUpClass('cat'), madeUpClass('dog', { status: 'missing' })],
          },
        },
      },
    ],
  })
const figure = (page: string, title: string): string =>
  page.split('<figure').find((text) => seen(`<figure${text}`).startsWith(title)) ?? ''

describe('the report of calibrated runs', () => {
  const page = compareReport([run(0), run(1), run(0, 'other')])
  it('has sections for what a calibration and diagnostics tell', () => {
    expect(headings(page)).toEqual([
      ...['Results', 'Learning curves', 'Calibration', 'Classes'],
      ...['Similarity of local models', 'Norms of heads', 'Geometry of features'],
      ...['Configurations', 'Fingerprints'],
    ])
  })
  it('has before and after, the worst class, and without whom, in one table', () => {
    // Gains 0.25 and 0.125 over the seeds: 0.125 apart, over the root of two.
    expect(firstRow(page, 'Calibrations')).toEqual([
      ...['A study', '56.25 %', '75.00 %', '+18.75 points', '8.84 %'],
      ...['25.00 % → 50.00 %', '2 of 4', 'client-1', 'no example of dog'],
    ])
    expect(firstRow(page, 'Accuracy before and after')).toEqual([
      ...['A', '56.25 % (50.00–62.50 %)', '75.00 %', '+18.75 points'],
    ])
    expect(firstRow(page, 'Recall by class before and after, A')).toEqual([
      ...['cat', '100.00 %', '75.00 %', '-25.00 points'],
    ])
    expect(seen(page)).toContain('calibrated (after, hatched), on central test data')
  })
  it('tells calibrated rounds from trained ones in its numbers, and says what a star is', () => {
    expect(seen(figure(page, 'Accuracy by round'))).toMatch(/375\.00 %, calibrated/)
    expect(seen(page)).toContain('A star is a calibrated model')
    expect(seen(compareReport([{ ...run(0), rounds: run(0).rounds.slice(0, 3) }]))).not.toContain(
      'A star',
    )
  })
  it('compares layers between the first and the last round, and warns of a small probe', () => {
    expect(firstRow(page, 'Mean CKA by layer')).toEqual([
      ...['hidden', '0.500', '0.375', '0.750', '0.625'],
      ...['0.500', '0.375', '0.750', '0.625'],
    ])
    expect(seen(page)).toContain('Of hidden there were fewer examples than four times the width')
  })
  it('shows pairs of clients for an early and the last layer, of the smallest seed', () => {
    const last = figure(page, 'Pairs of clients, A, round 2')
    expect(seen(last)).toMatch(/hidden .*logits /)
    expect(last).toContain('<title>0, 1: 0.75</title>')
    expect(figure(page, 'Pairs of clients, A, round 1')).toContain('<title>0, 1: 0.50</title>')
    expect(seen(page)).toContain('run with the smallest seed')
  })
  it('shows norms of heads beside labels, and what is not known as not known', () => {
    const norms = figure(page, 'Class vectors of local heads, A')
    expect(seen(norms)).toMatch(/norms, round 1 .*norms, round 2 .*examples of each label/)
    expect(norms).toContain('<title>client-0, cat: 3</title>')
    expect(norms).toContain('<title>client-0, cat: 8</title>')
    expect(norms).toContain('>–</text>')
    expect(firstRow(page, 'Norms of heads')).toEqual([
      ...['A study', '1', '1', '2.5', '2.5', '2', '3', '1.5'],
    ])
  })
  it('draws geometry by round, and the calibration only where it changes something', () => {
    expect(firstRow(page, 'Unequal lengths by round')).toEqual(['1', '0.25', '0.25'])
    expect(seen(figure(page, 'Unequal lengths by round'))).not.toContain('calibrated')
    expect(seen(figure(page, 'Head off the class means by round'))).toContain('31, calibrated')
    expect(seen(page)).toContain(
      'Share of features that are the same for every example. Smaller is better.',
    )
  })
  it('shows single clients of a few configurations only, and no pairs where there are none', () => {
    const many = compareReport(['a', 'b', 'c', 'd'].map((name) => run(0, name)))
    expect(figure(many, 'Pairs of clients, C, round 2')).not.toBe('')
    expect(figure(many, 'Pairs of clients, D')).toBe('')
    expect(seen(many)).toContain('of the first 3 configurations')
    const crowd = madeUpRun({ rounds: [{}, { diagnostics: { local: local(0.5, false) } }] })
    expect(seen(compareReport([crowd]))).not.toContain('Pairs of clients')
  })
  it('is the same for the same records, with unique ids and every drawing in place', () => {
    const again = compareReport([run(0), run(1), run(0, 'other')])
    expect(again).toBe(page)
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(page).not.toContain('<script')
  })
  it('has moments of clients where nobody has test data', () => {
    const geometry = madeUpGeometry({ of: 'moments', featureNorm: null })
    const blind = madeUpRun({
      rounds: [{}, {}, { part: 'calibration', diagnostics: { geometry } }],
    })
    const text = compareReport([blind])
    expect(headings(text)).toContain('Geometry of features')
    expect(seen(text)).toContain('from class moments of the clients')
    expect(figure(text, 'Length of features')).toBe('')
    expect(seen(text)).not.toContain('on central test data')
  })
})
