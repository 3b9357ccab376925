import { expect, it } from 'vitest'
import type { Dataset } from './dataset.js'
import { inspectDataset } from './inspect.js'

const DATA: Dataset = {
  name: 'small',
  inputShape: [2],
  classes: ['a', 'b', 'c'],
  count: 2,
  features: Float32Array.of(1, 3, 5, 7),
  labels: Int32Array.of(2, 0),
}

it('states counts, shape and the statistics of all values', () => {
  // Mean 4; variance (9 + 1 + 1 + 9) / 4 = 5.
  expect(inspectDataset(DATA)).toEqual({
    name: 'small',
    count: 2,
    inputShape: [2],
    classes: ['a', 'b', 'c'],
    perClass: [1, 0, 1],
    mean: 4,
    std: Math.sqrt(5),
    min: 1,
    max: 7,
  })
})

it('counts the rows of domains', () => {
  const domains = { names: ['x', 'y', 'z'], of: Uint8Array.of(2, 2) }
  expect(inspectDataset({ ...DATA, domains }).domains).toEqual({
    names: ['x', 'y', 'z'],
    counts: [0, 0, 2],
  })
})

it('hands on the scaling of a table', () => {
  const scaling = { kind: 'minmax' as const, columns: [{ name: 'x', offset: 1, divisor: 2 }] }
  expect(inspectDataset({ ...DATA, scaling }).scaling).toBe(scaling)
})
