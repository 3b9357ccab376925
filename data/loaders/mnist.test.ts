import { describe, expect, it } from 'vitest'
import { loadDataset } from './loader-list.js'

describe('mnist', () => {
  it('has the published counts of every digit', async () => {
    const { count, inputShape, labels, features, classes } = await loadDataset({
      name: 'mnist',
      split: 'test',
    })
    expect(count).toBe(10_000)
    expect(inputShape).toEqual([28, 28, 1])
    expect(features.length).toBe(7_840_000)
    const counts = classes.map((_, digit) => labels.filter((label) => label === digit).length)
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  })

  it('starts with the digits everyone knows', async () => {
    const { labels, features } = await loadDataset({ name: 'mnist', limit: 10 })
    expect([...labels]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    // First inked pixel of the first 5: row 5, column 12, grey 3.
    expect(features.findIndex((value) => value > 0)).toBe(5 * 28 + 12)
    expect(features[5 * 28 + 12]).toBe(Math.fround(3 / 255))
  })
})
