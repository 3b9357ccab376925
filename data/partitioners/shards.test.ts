import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { shards } from './shards.js'
import { describePartition, partition } from './partitioner-list.js'

describe('shards', () => {
  it('deals out pieces of the rows sorted by label', () => {
    // Rows of class 0: 1 3 5; of class 1: 0 2; of class 2: 4 6 7. Sorted: 1 3 | 5 0 | 2 4 | 6 7.
    const labels = Int32Array.of(1, 0, 1, 0, 2, 0, 2, 2)
    // A stream whose shuffle turns 0 1 2 3 into 2 0 3 1.
    const stream = {
      ...createStreams(0)('x', 0, 0),
      shuffle: <T>(order: T) => Object.assign(order as object, [2, 0, 3, 1]) as T,
    }
    const request = {
      labels,
      classes: 3,
      clients: 2,
      parameter: 2,
      min: 1,
      max: Infinity,
      stream: () => stream as never,
    }
    expect(shards.split(request).map((rows) => [...rows])).toEqual([
      [2, 4, 1, 3],
      [6, 7, 5, 0],
    ])
  })

  it('gives two classes to everyone in the setting of the paper', () => {
    const labels = Int32Array.from({ length: 6000 }, (_, i) => i % 10)
    const clients = describePartition(
      partition('shards:2:seed=1', labels, { classes: 10, clients: 100 }),
      labels,
      10,
    )
    for (const { total, perClass } of clients) {
      expect(total).toBe(60)
      expect(perClass.every((count) => count % 30 === 0)).toBe(true)
    }
  })

  it('drops no row when shards do not divide evenly', () => {
    const sizes = partition('shards:2', new Int32Array(11), { classes: 1, clients: 2 }).map(
      (part) => part.length,
    )
    expect(sizes[0]! + sizes[1]!).toBe(11)
  })
})
