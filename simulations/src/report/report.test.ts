import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { firstRow, headings, seen } from '#testing/read-report.js'
import { PAGE_SCRIPT } from './page-script.js'
import { compareReport } from './report.js'

const NAME = '</script><img src=x onerror=alert(1)>"\'&'
/** Everything that a run can have measured. */
const run = (seed: number, method = 'fedavg', name = 'study'): RunRecord =>
  madeUpRun({
    ...{ name, seed, config: { method: { name: method } } },
    rounds: [
      { metrics: { accuracy: 0.1, loss: 2.5 } },
      {
        clients: [{ loss: 0.9 }, { loss: 0.7 }],
        ...{ bytesUp: 3_000_000, bytesDown: 1_000_000 },
        metrics: {
          ...{ accuracy: 0.8 + seed / 50, loss: 0.5, 'recall/cat': 0.75, 'recall/dog': 0.85 },
          ...{
            'federated/accuracy': 0.4,
            'accuracy/domain/none': 0.9,
            'accuracy/domain/invert': 0.6,
          },
          ...{ 'routing/usage/0': seed / 4, 'routing/usage/1': 1 - seed / 4 },
          ...{ 'routing/effectiveEntries': 1.75, 'routing/mutualInformation': 0.5 },
        },
      },
      {
        part: 'evaluation',
        clients: [{ accuracy: 0.55 }, { accuracy: 0.95 }],
        metrics: { 'federated/lowestAccuracy': 0.55, 'federated/highestAccuracy': 0.95 },
      },
    ],
  })
describe('the report', () => {
  const page = compareReport([run(0), run(1), run(0, 'fedprox')])

  it('puts means and spread over seeds in one table', () => {
    // Accuracies 0.80 and 0.82: deviation 0.02 / sqrt(2).
    expect(firstRow(page, 'Results by configuration')).toEqual([
      ...['A study (method.name=fedavg)', 'fedavg', 'mlp', '0, 1', '2', '81.00 %', '1.41 %'],
      ...['0.5000', '55.00 % – 95.00 %', '3.00 MB', '1.00 MB', '1.5'],
    ])
  })
  it('has every section that there are data for', () => {
    expect(headings(page)).toEqual([
      ...['Results', 'Learning curves', 'Learning curves on the clients', 'Classes', 'Clients'],
      ...['Domains', 'Routing', 'Bytes', 'Configurations', 'Fingerprints'],
    ])
    for (const title of headings(page)) expect(page).toContain(`>${title}</a>`)
  })
  it('has the numbers of its charts as tables', () => {
    expect(firstRow(page, 'Accuracy by round')).toEqual(['0', '10.00 %', '10.00 %'])
    expect(page).toContain('<td class="number">81.00 % (80.00–82.00 %)</td>')
    expect(firstRow(page, 'Recall by class')).toEqual(['cat', '75.00 %', '75.00 %'])
    expect(firstRow(page, 'Accuracy by client')).toEqual(['0', '55.00 %', '55.00 %'])
    expect(firstRow(page, 'Accuracy by domain')).toEqual(['none', '90.00 %', '90.00 %'])
    // Quartiles of 0.55 and 0.95.
    expect(firstRow(page, 'Accuracy over clients').slice(1)).toEqual([
      ...['2', '55.00 %', '65.00 %', '75.00 %', '85.00 %', '95.00 %'],
    ])
  })
  it('tells in what configurations differ, and each run by its fingerprint', () => {
    expect(firstRow(page, 'Keys in which configurations differ')).toEqual([
      ...['method.name', '"fedavg"', '"fedprox"'],
    ])
    const { runId, configHash, modelHash } = run(0)
    expect(firstRow(page, 'Fingerprint of every run')).toEqual([
      ...[`A ${runId}`, '0', '2026-03-01 12:30', configHash, modelHash],
    ])
    expect(page).toContain('computed by: wasm (tfjs 4.22.0), 1 thread')
  })
  it('orders the use of a pool by rank, because entries have no names across seeds', () => {
    const withScript = compareReport([run(1), run(2)], { echarts: '' })
    const [, chart = ''] = withScript.split('<figcaption>Use of the pool</figcaption>')
    // Shares 0.25, 0.75 and 0.5, 0.5: the most used 0.625, the other 0.375.
    const heights = [...chart.matchAll(/"value":([\d.]+),"at":"(\d)"/g)].slice(0, 2)
    expect(heights.map(([, height, rank]) => `${rank}: ${height}`)).toEqual(['1: 62.5', '2: 37.5'])
  })

  it('leaves out what nobody measured', () => {
    expect(headings(compareReport([madeUpRun({ rounds: [{}] })]))).toEqual([
      ...['Results', 'Configurations', 'Fingerprints'],
    ])
    const trained = { clients: [{ loss: 0.9 }], bytesUp: 1, metrics: { 'routing/similarity': 0.5 } }
    const sparse = compareReport([madeUpRun({ rounds: [{}, trained] })])
    expect(headings(sparse)).toEqual([
      ...['Results', 'Clients', 'Routing', 'Bytes', 'Configurations', 'Fingerprints'],
    ])
    expect(sparse).toContain('Training loss by client')
    expect(sparse).not.toContain('±')
    expect(sparse).not.toContain('Accuracy over clients')
  })
  it('draws a crowd of clients in the order of their values', () => {
    const clients = Array.from({ length: 301 }, (_, slot) => ({
      accuracy: ((slot * 7) % 301) / 400,
    }))
    const crowd = madeUpRun({ rounds: [{}, { part: 'evaluation', clients }] })
    const [, chart = ''] = compareReport([crowd], { echarts: '' }).split('>Accuracy by client<')
    const points = [...chart.matchAll(/"value":\[(\d+),([\d.]+)\],"at":"clients/g)]
    const heights = points.map(([, , y]) => Number(y))
    expect(points.map(([, x]) => Number(x)).slice(0, 3)).toEqual([1, 2, 3])
    expect(heights).toHaveLength(301)
    expect(heights).toEqual(heights.toSorted((a, b) => a - b))
  })
  it('says which runs did not finish, and why', () => {
    const failed = madeUpRun({ changes: { state: 'failed', reason: 'Too few <nodes>' } })
    expect(seen(compareReport([failed]))).toContain('seed 0: failed (Too few <nodes>)')
    expect(page).not.toContain('did not finish')
  })
})

describe('the page', () => {
  const records = [run(0), run(1)]
  it('is the same for the same records', () => {
    const first = compareReport(records, { echarts: 'let echarts' })
    expect(compareReport(records, { echarts: 'let echarts' })).toBe(first)
    const ids = [...first.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
  it('runs nothing but its own scripts, and loads nothing', () => {
    const still = compareReport(records)
    expect(still).not.toContain('<script')
    expect(still).toContain(`default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"`)
    const live = compareReport(records, { echarts: 'let echarts' })
    const hash = (text: string) =>
      `&#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`
    expect(live).toContain(
      `script-src ${hash('let echarts')} ${hash(`(() => {${PAGE_SCRIPT}})()`)}"`,
    )
    expect(live).not.toMatch(/(src|href)="(?!#)/)
  })
  it('has an option of ECharts beside every drawing', () => {
    const live = compareReport(records, { echarts: 'let echarts' })
    const options = [...live.matchAll(/<script type="application\/json">(.*?)<\/script>/gs)]
    expect(options.length).toBe(live.match(/<figure /g)?.length)
    for (const [, text = ''] of options)
      expect(JSON.parse(text)).toMatchObject({
        animation: false,
        series: expect.any(Array) as unknown,
      })
  })

  it('shows names of runs and classes, domains and reasons as text', () => {
    const record = madeUpRun({
      ...{ name: NAME, classes: [NAME, 'dog'] },
      config: { data: { name: NAME, partition: NAME } },
      rounds: [
        { metrics: { accuracy: 0.5, [`recall/${NAME}`]: 0.5, [`accuracy/domain/${NAME}`]: 0.5 } },
      ],
      changes: {
        ...{
          state: 'failed',
          reason: NAME,
          version: NAME,
          createdAt: NAME,
          kind: NAME as 'replay',
        },
        engine: { backend: NAME, version: NAME, threads: 1 },
      },
    })
    const hostile = compareReport([record, run(0)], { echarts: '' })
    expect(hostile).not.toContain('<img')
    // Data of each figure, the two scripts, and no other.
    const figures = hostile.match(/<figure /g)?.length ?? 0
    expect(hostile.match(/<script/g)).toHaveLength(figures + 2)
    expect(hostile.match(/<\/script/g)).toHaveLength(figures + 2)
    expect(seen(hostile)).toContain(NAME)
    for (const [tag] of hostile.matchAll(/<[a-z][^<>]*>/g))
      expect(tag.replaceAll(/"[^"]*"/g, '')).not.toMatch(/\son\w+=/)
  })
})
