import { expect, it } from 'vitest'
import { partition } from './partitioner-list.js'

it('gives shares that differ by at most one row', () => {
  const parts = partition('iid', new Int32Array(11), { classes: 2, clients: 4 })
  // floor(11 i / 4): 0, 2, 5, 8, 11.
  expect(parts.map((part) => part.length)).toEqual([2, 3, 3, 3])
})

it('gives everyone all classes in about equal numbers', () => {
  const labels = Int32Array.from({ length: 4000 }, (_, i) => Math.floor(i / 1000))
  for (const part of partition('iid:seed=3', labels, { classes: 4, clients: 4 })) {
    for (const label of [0, 1, 2, 3]) {
      // Expected 250 with standard deviation below 14.
      const count = part.filter((row) => labels[row] === label).length
      expect(Math.abs(count - 250)).toBeLessThan(60)
    }
  }
})

it('gives a single client everything in order', () => {
  expect([...partition('iid:seed=9', new Int32Array(5), { classes: 2, clients: 1 })[0]!]).toEqual([
    0, 1, 2, 3, 4,
  ])
})
