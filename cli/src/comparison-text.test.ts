import { describe, expect, it } from 'vitest'
import { comparisonRow } from '#simulations/report/comparison.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { comparisonTable } from './comparison-text.js'

const clients = { 'clients/count': 2, 'clients/accuracy': 0.75, 'clients/worst': 0.5 }
const run = (method: string, seed: number, metrics: Record<string, number>) =>
  madeUpRun({
    ...{ name: method, seed, config: { method: { name: method } } },
    rounds: [{}, { metrics: { 'federated/accuracy': 0.625, ...metrics }, bytesUp: 2000 }],
  })
const fedavg = comparisonRow([run('fedavg', 0, { ...clients, 'clients/deviation': 0.25 })])
const own = { ...clients, 'clients/trained': 2 }
const ditto = comparisonRow([
  run('ditto', 0, { ...own, 'clients/deviation': 0.125 }),
  run('ditto', 1, { ...own, 'clients/accuracy': 0.5, 'clients/deviation': 0.25 }),
])

describe('the table of a comparison', () => {
  it('has a row for each configuration', () => {
    const { head, rows } = comparisonTable([fedavg])
    expect(head).toEqual([
      ...['name', 'method', 'model', 'seeds', 'rounds', 'accuracy'],
      ...['±', 'loss', 'up', 'down', 'seconds'],
    ])
    expect(rows).toEqual([
      ['fedavg', 'fedavg', 'mlp', '0', 1, '62.50 %', '–', '–', '2.00 kB', '0 B', '1.0'],
    ])
  })

  it('tells of the clients where some predict with models of their own', () => {
    const silent = comparisonRow([run('fedprox', 0, {})])
    const { head, rows } = comparisonTable([fedavg, ditto, silent])
    expect(head.slice(-3)).toEqual(['mean over clients', 'deviation', 'worst client'])
    expect(rows.map((row) => row.slice(-3))).toEqual([
      ['75.00 %', '25.00 %', '50.00 %'],
      ['62.50 %', '18.75 %', '50.00 %'],
      ['–', '–', '–'],
    ])
  })
})
