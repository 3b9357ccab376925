import { describe, expect, it } from 'vitest'
import { overClients } from '#algorithms/evaluation/over-clients.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { firstRow, headings, seen } from '#testing/read-report.js'
import { compareReport } from './report.js'

const prefixed = (values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`clients/${name}`, value]))
const over = (accuracies: readonly number[], more: Record<string, number> = {}) =>
  prefixed({ ...overClients(accuracies)!, ...more })

interface Told {
  readonly method: string
  readonly seed?: number
  readonly before?: readonly number[]
  readonly final: readonly number[]
  readonly more?: Record<string, number>
  /** Layers below the cut in the only round. */
  readonly cut?: number
}
const run = ({ method, seed = 0, before = [0.25, 0.25], final, more = {}, cut }: Told) =>
  madeUpRun({
    ...{ name: 'study', seed, members: final.map(() => [4, 4]) },
    config: { method: { name: method } },
    rounds: [
      {},
      {
        metrics: {
          ...over(before, more),
          ...(cut === undefined ? {} : { cut, stage: 0, 'head/loss': 1.5 }),
        },
        ...{ bytesUp: 3000, bytesDown: 500 },
      },
      {
        part: 'evaluation',
        metrics: over(final, more),
        clients: final.map((accuracy) => ({ accuracy, examples: 10 })),
      },
    ],
  })
const HEAD = ['clients', 'mean', 'deviation', 'worst', 'worst 10 %', 'Jain']
const TABLE = 'How evenly clients are served'
const headOf = (page: string): readonly string[] => {
  const [, table = ''] = page.split(new RegExp(`<caption>\\s*${TABLE}`))
  const [head = ''] = table.split('</thead>')
  return [...head.matchAll(/<th[^>]*>(.*?)<\/th>/gs)].map(([, cell = '']) => seen(cell)).slice(1)
}
const rowOf = (page: string): readonly string[] => firstRow(page, TABLE).slice(1)

describe('the section about clients', () => {
  it('tells how evenly they are served, as means over runs', () => {
    const runs = [
      run({ method: 'fedavg', final: [1, 0.5] }),
      run({ method: 'fedavg', seed: 1, final: [0.5, 0.5] }),
    ]
    const page = compareReport(runs)
    expect(headOf(page)).toEqual(HEAD)
    // Means 0.75 and 0.5, deviations 0.25 and 0, worst 0.5 twice; Jain 1.5² / (2 · 1.25) = 0.9 and 1.
    expect(rowOf(page)).toEqual(['2', '62.50 %', '12.50 %', '50.00 %', '50.00 %', '0.9500'])
    expect(page).not.toContain('local training')
    expect(page).not.toContain('of their own')
  })

  it('tells how many score higher than where they train alone, over all seeds', () => {
    const page = compareReport([
      run({ method: 'fedavg', final: [0.75, 0.5] }),
      run({ method: 'fedavg', seed: 1, final: [0.75, 0.75] }),
      run({ method: 'local-only', final: [0.5, 0.5] }),
      run({ method: 'local-only', seed: 1, final: [0.5, 0.25] }),
    ])
    expect(headOf(page)).toEqual([...HEAD, 'beat local training'])
    expect(rowOf(page).at(-1)).toBe('75 % (3 of 4)')
    expect(seen(page)).toContain('the same score is no win')
    const alone = compareReport([run({ method: 'local-only', final: [0.5, 0.5] })])
    expect(headOf(alone)).toEqual(HEAD)
  })

  it('flags clients of one class, and those that predict with what all began with', () => {
    const more = { singleClass: 1, 'severalClasses/accuracy': 0.5 }
    const own = { ...more, trained: 1, 'trained/accuracy': 0.875 }
    const page = compareReport([
      run({ method: 'fedd2s', final: [1, 0.5], more: own }),
      run({ method: 'fedavg', final: [1, 0.5], more }),
    ])
    expect(headOf(page).slice(HEAD.length)).toEqual([
      ...['on one class', 'mean without them', 'with own model', 'mean over those'],
    ])
    expect(rowOf(page).slice(HEAD.length)).toEqual(['1', '50.00 %', '1', '87.50 %'])
    expect(seen(page)).toContain('The clients of A predict with models of their own')
    const trained = run({ method: 'fedd2s', final: [1, 0.5], more: { ...own, trained: 2 } })
    expect(headOf(compareReport([trained]))).not.toContain('with own model')
    expect(seen(compareReport([trained]))).toContain('All clients predict with models of their own')
  })

  it('draws mean and deviation at the round whose model clients received, and every client as a dot', () => {
    const page = compareReport([run({ method: 'fedavg', before: [0, 0.5], final: [1, 0.5] })])
    expect(firstRow(page, 'Mean accuracy over clients by round')).toEqual(['0', '25.00 %'])
    expect(firstRow(page, 'Deviation between clients by round')).toEqual(['0', '25.00 %'])
    const live = compareReport([run({ method: 'fedavg', final: [1, 0.5] })], { echarts: '' })
    const [, strips = ''] = live.split('>Distribution over clients')
    const dots = [...strips.matchAll(/"value":\[[\d.]+,(\d+)\],"at":"(slot \d)"/g)].slice(0, 2)
    expect(dots.map(([, height, who]) => [height, who])).toEqual([
      ['50', 'slot 1'],
      ['100', 'slot 0'],
    ])
  })

  it('has curves of a run that has not come to its end, and no table of a final model', () => {
    const record = run({ method: 'fedavg', final: [1, 0.5] })
    const page = compareReport([{ ...record, rounds: record.rounds.slice(0, 2) }])
    expect(headings(page)).toContain('Clients')
    expect(seen(page)).toContain('The records hold no accuracy of single clients.')
    expect(page).not.toContain(TABLE)
    expect(page).not.toContain('Distribution over clients')
  })
})

it('of several runs tells only those that came to their end', () => {
  const [ended, stopped] = [
    run({ method: 'fedavg', final: [1, 0.5] }),
    run({ method: 'fedprox', final: [0, 0] }),
  ]
  const page = compareReport([ended, { ...stopped, rounds: stopped.rounds.slice(0, 2) }])
  const [, table = ''] = page.split(new RegExp(`<caption>\\s*${TABLE}`))
  const [rows = ''] = table.split('</table>')
  expect(seen(rows)).toContain('fedavg')
  expect(seen(rows)).not.toContain('fedprox')
})

describe('the section about dropped layers', () => {
  it('has cuts, the loss of the heads and bytes up of the runs that drop', () => {
    const page = compareReport([
      run({ method: 'fedavg', final: [1, 0.5] }),
      run({ method: 'fedd2s', final: [1, 0.5], cut: 3 }),
    ])
    expect(firstRow(page, 'Layers below the cut by round')).toEqual(['1', '3'])
    expect(firstRow(page, 'Loss of the heads by round')).toEqual(['1', '1.5'])
    expect(firstRow(page, 'Bytes up by round')).toEqual(['1', '3.00 kB'])
    const without = compareReport([run({ method: 'fedavg', final: [1, 0.5] })])
    expect(headings(without)).not.toContain('Dropping of layers')
  })
})
