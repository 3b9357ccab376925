import { describe, expect, it } from 'vitest'
import { madeUpGeometry, madeUpLocal } from '#testing/made-up-diagnostics.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { diagnosticsOf, GEOMETRY_MEASURES, threeLayers } from './diagnostics.js'

const headNorms = [
  [3, 1],
  [1, 2],
]
const local = (hidden: number, logits: number | null, probe = 500) =>
  madeUpLocal({
    ...{ clients: 2, probe, headNorms },
    layers: { hidden: [100, hidden], logits: [126, logits] },
  })
const run = madeUpRun({
  members: [[8, 2], null],
  rounds: [
    {},
    { diagnostics: { local: local(0.75, 0.5), headNorms: [2, 1], geometry: madeUpGeometry() } },
    { diagnostics: { local: local(0.8, 0.6) } },
    { diagnostics: { local: local(0.9, null), headNorms: [1, 0] } },
    { part: 'calibration', diagnostics: { geometry: madeUpGeometry({ selfDuality: 1 }) } },
  ],
})
const report = diagnosticsOf(run)!

describe('diagnostics of a run', () => {
  it('compare layers in the first and the last diagnosed round, plain and debiased', () => {
    const { layers, ...similarity } = report.similarity!
    expect(similarity).toEqual({
      ...{ firstRound: 1, lastRound: 3, firstSlots: [0, 1], lastSlots: [0, 1], probe: 500 },
    })
    expect(
      layers.map(({ name, first, last }) => [name, first.cka, first.debiased, last.cka]),
    ).toEqual([
      ['hidden', 0.75, 0.625, 0.9],
      ['logits', 0.5, 0.375, null],
    ])
    expect(layers[0]?.last.pairs).toEqual([
      [1, 0.9],
      [0.9, 1],
    ])
  })
  it('warn of layers wider than a quarter of the probe', () => {
    // 4 × 125 is 500: a width of 126 is more.
    expect(report.similarity?.layers.map(({ isBiased }) => isBiased)).toEqual([false, true])
    const small = madeUpRun({ rounds: [{}, { diagnostics: { local: local(0.5, 0.5, 399) } }] })
    const [hidden] = diagnosticsOf(small)!.similarity!.layers
    expect(hidden).toMatchObject({ isBiased: true, first: { cka: 0.5 }, last: { cka: 0.5 } })
  })
  it('put norms of heads beside the labels that clients count, in every round that has any', () => {
    expect(report.heads.map(({ round, ratio }) => [round, ratio])).toEqual([
      [1, 2],
      [2, null],
      // A class vector of length 0 has no ratio to the others.
      [3, null],
    ])
    expect(report.heads[0]?.local).toMatchObject({
      counts: [[8, 2], null],
      correlations: [1, null],
      ...{ meanCorrelation: 1, ratios: [3, 2], meanRatio: 2.5, norms: headNorms },
    })
  })
  it('follow the geometry through training and calibration', () => {
    expect(
      report.geometry.map(({ round, isCalibrated, geometry }) => [
        ...[round, isCalibrated, geometry.selfDuality],
      ]),
    ).toEqual([
      [1, false, 1.5],
      [4, true, 1],
    ])
    const measured = new Set<string>(Object.keys(madeUpGeometry()))
    for (const told of ['of', 'examples']) measured.delete(told)
    expect(new Set<string>(GEOMETRY_MEASURES.map(({ key }) => key))).toEqual(measured)
  })
  it('are null where no round has any', () => {
    expect(diagnosticsOf(madeUpRun({ rounds: [{}, { metrics: { accuracy: 1 } }] }))).toBeNull()
  })
})

describe('three layers', () => {
  const named = (count: number) =>
    threeLayers(
      Array.from({ length: count }, (_, i) => ({ ...report.similarity!.layers[0]!, name: `${i}` })),
    ).map(({ name }) => name)
  it('are an early, a middle and the last one', () => {
    expect(named(7)).toEqual(['0', '3', '6'])
    expect(named(4)).toEqual(['0', '1', '3'])
    expect(named(2)).toEqual(['0', '1'])
    expect(named(1)).toEqual(['0'])
  })
})
