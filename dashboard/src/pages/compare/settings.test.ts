import { describe, expect, it } from 'vitest'
import { differences, flatConfig, labels, settingsOf, sharedConfig } from './settings.js'

const run = (runId: string, seed: number, more: object = {}) => ({
  ...{ runId, name: 'digits' },
  config: {
    ...{ name: runId, seed, method: { name: 'fedavg' }, training: { epochs: 1 } },
    ...more,
  },
})

describe('which runs repeat one another', () => {
  it('those that differ in seed and name alone, by seed', () => {
    const runs = [run('a', 2), run('b', 1), run('c', 1, { method: { name: 'fedprox', mu: 0.1 } })]
    const found = settingsOf(runs).map((group) => group.map(({ runId }) => runId))
    expect(found).toEqual([['b', 'a'], ['c']])
  })
  it('also where a text follows the seed, and no other text', () => {
    const partition = (seed: number, of = seed) =>
      run(`${seed}`, seed, { data: { partition: `dirichlet:alpha=0.3,seed=${of}` } })
    expect(settingsOf([partition(1), partition(2)])).toHaveLength(1)
    expect(settingsOf([partition(1), partition(2, 1)])).toHaveLength(1)
    expect(settingsOf([partition(1), partition(2, 3)])).toHaveLength(2)
    expect(settingsOf([partition(1), partition(12, 2)])).toHaveLength(2)
    expect([...sharedConfig([partition(1), partition(2)])]).toContainEqual([
      ...['data.partition', 'follows the seed'],
    ])
  })
})

describe('in what configurations differ', () => {
  const all = [
    { method: { name: 'fedavg' }, cohort: { size: 3 }, tags: ['a'], name: 'x' },
    { method: { name: 'fedprox', mu: 0.1 }, cohort: { size: 3 }, tags: ['b'], name: 'y' },
  ].map(flatConfig)
  it('only keys whose values differ; what one lacks is null; lists as a whole; never names', () => {
    expect(differences(all)).toEqual([
      { key: 'method.mu', values: [null, '0.1'] },
      { key: 'method.name', values: ['"fedavg"', '"fedprox"'] },
      { key: 'tags', values: ['["a"]', '["b"]'] },
    ])
  })
  it('reads lists of settings one by one', () => {
    const updates = (...names: readonly string[]) =>
      flatConfig({ updates: names.map((name) => ({ name, bits: 8 })) })
    expect(differences([updates('clip'), updates('clip', 'quantize')])).toEqual([
      { key: 'updates.1', values: [null, '"quantize", … (2)'] },
    ])
  })
  it('says in one line what some lack as a whole; what differs within it stays', () => {
    const calibrated = (learningRate: number) =>
      flatConfig({ calibration: { name: 'ccvr', epochs: 10, learningRate } })
    expect(differences([flatConfig({}), calibrated(1), calibrated(2)])).toEqual([
      { key: 'calibration', values: [null, '"ccvr", … (3)', '"ccvr", … (3)'] },
      { key: 'calibration.learningRate', values: [null, '1', '2'] },
    ])
  })
  it('tells namesakes apart by as little as is needed, and the rest by their names', () => {
    const config = (values: object) => flatConfig(values as never)
    const same = { name: 'mnist' }
    expect(
      labels([
        { ...same, config: config({ a: 1, method: { name: 'fedavg' } }) },
        { ...same, config: config({ a: 2, method: { name: 'fedprox' } }) },
        { name: 'other', config: config({}) },
      ]),
    ).toEqual(['mnist (name=fedavg)', 'mnist (name=fedprox)', 'other'])
    expect(
      labels([
        { ...same, config: config({ a: 1, b: 1 }) },
        { ...same, config: config({ a: 1, b: 2 }) },
        { ...same, config: config({ a: 2, b: 2 }) },
      ]),
    ).toEqual(['mnist (a=1, b=1)', 'mnist (a=1, b=2)', 'mnist (a=2)'])
    expect(
      labels([
        { ...same, config: config({}) },
        { ...same, config: config({}) },
      ]),
    ).toEqual(['mnist (1)', 'mnist (2)'])
  })
})
