import { describe, expect, it } from 'vitest'
import type { Metrics, RunRecord } from '#protocol/record.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { cellResultOf, cellResultSchema } from './cell-result.js'

const scores = (accuracy: number, cat: number, prefix = ''): Metrics => ({
  [`${prefix}accuracy`]: accuracy,
  [`${prefix}recall/cat`]: cat,
})
const resultOf = (record: RunRecord, startsFrom: string | null = null) =>
  cellResultSchema.parse(
    JSON.parse(
      JSON.stringify(
        cellResultOf(
          { name: 's', measure: null },
          { setting: 'reference', variant: 'v', seed: 0, startsFrom },
          record,
        ),
      ),
    ),
  )
const calibration = { name: 'ccvr', when: 'final' }

describe('the result of a cell', () => {
  it('without calibration says nothing of one, or of a start', () => {
    const result = resultOf(madeUpRun({ rounds: [{}, { metrics: scores(0.5, 0.25) }] }))
    expect(result).not.toHaveProperty('calibration')
    expect(result).not.toHaveProperty('startsFrom')
    expect(result.curve).toEqual({ '1': 0.5 })
  })

  it('that is a calibration alone has both models, and whose the first one is', () => {
    const result = resultOf(
      madeUpRun({
        config: { calibration, rounds: 0 },
        rounds: [
          { metrics: scores(0.5, 0.25) },
          { part: 'calibration', metrics: { ...scores(0.75, 0.5), 'calibration/x': 3 } },
        ],
      }),
      'fedavg',
    )
    expect(result).toMatchObject({
      startsFrom: 'fedavg',
      curve: { '0': 0.5, '1': 0.75 },
      metrics: { accuracy: 0.75, 'recall/cat': 0.5, 'calibration/x': 3 },
      calibration: { rounds: [1], before: scores(0.5, 0.25) },
    })
  })

  it('has the scores of clients under their names, about the model that they were of', () => {
    const result = resultOf(
      madeUpRun({
        config: { calibration },
        rounds: [
          {},
          { metrics: scores(0.125, 0.125, 'federated/') },
          { part: 'calibration', metrics: scores(0.5, 0.25, 'federated/') },
          { part: 'evaluation', metrics: scores(0.75, 0.5, 'federated/') },
        ],
      }),
    )
    expect(result).toMatchObject({
      measure: 'federated/accuracy',
      curve: { '0': 0.125, '1': 0.5, '2': 0.75 },
      calibration: { rounds: [2], before: scores(0.5, 0.25, 'federated/') },
    })
  })

  it('knows nothing from before where nobody took the scores', () => {
    const rounds = [{}, {}, { part: 'calibration', metrics: scores(0.75, 0.5) }] as const
    expect(resultOf(madeUpRun({ config: { calibration }, rounds })).calibration).toEqual({
      ...{ rounds: [2], before: {} },
    })
  })

  it('keeps what every client scored at the end, where any did', () => {
    const clients = [{ accuracy: 0.5, examples: 4, loss: 1 }, {}, { accuracy: 1, examples: 2 }]
    const rounds = [{}, { clients: [{ loss: 1 }] }, { part: 'evaluation', clients }] as const
    expect(resultOf(madeUpRun({ rounds })).clients).toEqual([
      { slot: 0, accuracy: 0.5, examples: 4 },
      { slot: 2, accuracy: 1, examples: 2 },
    ])
    expect(resultOf(madeUpRun({ rounds: rounds.slice(0, 2) }))).not.toHaveProperty('clients')
  })

  it('draws a measure over clients at the round whose model they received', () => {
    const told = (value: number) => ({ 'clients/accuracy': value })
    const record = madeUpRun({
      rounds: [
        ...[{}, { metrics: told(0.25) }, { metrics: told(0.5) }],
        { part: 'evaluation', metrics: told(0.75) },
      ],
    })
    const study = { name: 's', measure: 'clients/accuracy' }
    const place = { setting: 'reference', variant: 'v', seed: 0, startsFrom: null }
    expect(cellResultOf(study, place, record)).toMatchObject({
      measure: 'clients/accuracy',
      curve: { '0': 0.25, '1': 0.5, '2': 0.75 },
    })
  })
})
