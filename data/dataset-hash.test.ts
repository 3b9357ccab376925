import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset.js'
import { datasetHash } from './dataset-hash.js'

const dataset: Dataset = {
  name: 'a',
  inputShape: [2],
  classes: ['x', 'y'],
  count: 2,
  features: Float32Array.of(1, 2, 3, 4),
  labels: Int32Array.of(0, 1),
}

describe('the hash of a data set', () => {
  it('does not depend on its name, nor on where its rows lie in memory', () => {
    const features = Float32Array.of(0, 1, 2, 3, 4, 0).subarray(1, 5)
    expect(datasetHash({ ...dataset, name: 'b', features })).toBe(datasetHash(dataset))
  })

  it.each([
    ['a feature', { features: Float32Array.of(1, 2, 3, 5) }],
    ['a label', { labels: Int32Array.of(1, 1) }],
    ['a class name', { classes: ['x', 'z'] }],
    ['the shape', { inputShape: [1, 2] }],
    ['domains', { domains: { names: ['n'], of: Uint8Array.of(0, 0) } }],
  ])('changes with %s', (_what, change) => {
    expect(datasetHash({ ...dataset, ...change })).not.toBe(datasetHash(dataset))
  })

  it('changes with the domain of a row', () => {
    const names = ['n', 'm']
    const [a, b] = [Uint8Array.of(0, 1), Uint8Array.of(1, 0)].map((of) =>
      datasetHash({ ...dataset, domains: { names, of } }),
    )
    expect(a).not.toBe(b)
  })
})
