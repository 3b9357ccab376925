import { expect, it } from 'vitest'
import { describePartition, partition } from './partitioner-list.js'

const LABELS = Int32Array.from({ length: 8000 }, (_, i) => i % 2)
const totals = (spec: string): number[] =>
  partition(spec, LABELS, { classes: 2, clients: 8 }).map((part) => part.length)

it('gives very different sizes when beta is small, equal ones when it is large', () => {
  expect(Math.max(...totals('quantity:0.1:seed=1'))).toBeGreaterThan(3000)
  for (const size of totals('quantity:100000:seed=1'))
    expect(Math.abs(size - 1000)).toBeLessThan(50)
})

it('mixes the classes alike', () => {
  const parts = partition('quantity:1:seed=2:min=300', LABELS, { classes: 2, clients: 8 })
  for (const { total, perClass } of describePartition(parts, LABELS, 2)) {
    expect(Math.abs(perClass[0]! / total - 0.5)).toBeLessThan(0.12)
  }
})

it('keeps the minimum', () => {
  for (const size of totals('quantity:0.01:min=500')) expect(size).toBeGreaterThanOrEqual(500)
})
