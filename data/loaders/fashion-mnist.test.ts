import { describe, expect, it } from 'vitest'
import { loadDataset } from './loader-list.js'

describe('fashion-mnist', () => {
  it('has a thousand test images of each class, in turn', async () => {
    const { count, inputShape, labels, features, classes } = await loadDataset({
      name: 'fashion-mnist',
      split: 'test',
    })
    expect(count).toBe(10_000)
    expect(inputShape).toEqual([28, 28, 1])
    expect(classes[9]).toBe('Ankle boot')
    expect(labels.every((label, i) => label === i % 10)).toBe(true)
    // The published mean of all images is 0.286.
    const mean = features.reduce((sum, value) => sum + value, 0) / features.length
    expect(mean).toBeCloseTo(0.286, 2)
  })

  it('reads only what a limit needs, and the same rows as without it', async () => {
    const few = await loadDataset({ name: 'fashion-mnist', split: 'test', limit: 13 })
    const more = await loadDataset({ name: 'fashion-mnist', split: 'test', limit: 40 })
    expect([...few.labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2])
    expect(few.features).toEqual(more.features.subarray(0, 13 * 784))
  })

  it('keeps training and test images apart', async () => {
    const test = await loadDataset({ name: 'fashion-mnist', split: 'test', limit: 10 })
    const train = await loadDataset({ name: 'fashion-mnist', split: 'train', limit: 10 })
    expect(train.features).not.toEqual(test.features)
  })
})
