import { describe, expect, it } from 'vitest'
import { countLabels, everyIndex, type Dataset } from '#data/dataset.js'
import { loadDataset, openSource } from './loader-list.js'

describe('synthetic', () => {
  it('makes blobs of the asked size, with a fifth as many test rows', async () => {
    const path = 'blobs:count=12:classes=3:features=4:seed=5'
    const train = await loadDataset({ name: 'synthetic', path })
    expect(train).toMatchObject({ inputShape: [4], classes: ['0', '1', '2'], count: 12 })
    expect([...train.labels]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
    expect((await loadDataset({ name: 'synthetic', path, split: 'test' })).count).toBe(3)
  })

  it('gives equal rows for equal seeds, others for other seeds and splits', async () => {
    const load = async (seed: number, split: 'train' | 'test' = 'train') =>
      (await loadDataset({ name: 'synthetic', path: `count=20:seed=${seed}`, split, limit: 4 }))
        .features
    expect(await load(1)).toEqual(await load(1))
    expect(await load(1)).not.toEqual(await load(2))
    expect(await load(1)).not.toEqual(await load(1, 'test'))
  })

  it('makes any row without the others', async () => {
    const rows = await openSource({ name: 'synthetic', path: 'digits:side=8:count=20' })
    const all = await rows.features(everyIndex(20))
    expect(await rows.features(Int32Array.of(7, 2))).toEqual(
      Float32Array.from([...all.subarray(7 * 64, 8 * 64), ...all.subarray(2 * 64, 3 * 64)]),
    )
  })

  it('makes blobs that their nearest class mean tells apart', async () => {
    const { features, labels, count } = await loadDataset({
      name: 'synthetic',
      path: 'blobs:count=300:classes=3',
    })
    expect(nearestMeanAccuracy(features, labels, { count, size: 20, classes: 3 })).toBe(1)
  })

  it('draws digits in [0, 1] that can be told apart', async () => {
    const { features, labels, count, inputShape } = await loadDataset({
      name: 'synthetic',
      path: 'digits:count=400',
    })
    expect(inputShape).toEqual([16, 16, 1])
    expect(features.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(
      nearestMeanAccuracy(features, labels, { count, size: 256, classes: 10 }),
    ).toBeGreaterThan(0.6)
  })

  it('draws digits of dots that can be told apart, if with pains', async () => {
    const { features, labels, count, inputShape } = await loadDataset({
      name: 'synthetic',
      path: 'bitmap-digits:count=800:seed=1',
    })
    expect(inputShape).toEqual([12, 12, 1])
    expect(countLabels(labels, 10)).toEqual(Array(10).fill(80))
    const accuracy = nearestMeanAccuracy(features, labels, { count, size: 144, classes: 10 })
    expect(accuracy).toBeGreaterThan(0.5)
    expect(accuracy).toBeLessThan(0.9)
  })

  it('writes digits with strokes, that can be told apart and are clean', async () => {
    const { features, labels, count, inputShape } = await loadDataset({
      name: 'synthetic',
      path: 'stroke-digits:count=600:seed=1',
    })
    expect(inputShape).toEqual([16, 16, 1])
    expect(features.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(
      nearestMeanAccuracy(features, labels, { count, size: 256, classes: 10 }),
    ).toBeGreaterThan(0.8)
  })

  it('writes numbers of more digits for more classes, on pictures of any size', async () => {
    const path = 'stroke-digits:count=12:classes=12:height=20:width=32:channels=3'
    const { features, inputShape, classes } = await loadDataset({ name: 'synthetic', path })
    expect(inputShape).toEqual([20, 32, 3])
    expect(classes).toHaveLength(12)
    const inked = [...Array(12).keys()].map((row) =>
      features.subarray(row * 1920, (row + 1) * 1920).reduce((sum, value) => sum + value, 0),
    )
    expect(Math.min(...inked)).toBeGreaterThan(20)
  })

  it('has as many test rows as asked, the same number of every class', async () => {
    const path = 'glyphs:classes=4:count=10:test=24'
    const test = await loadDataset({ name: 'synthetic', path, split: 'test' })
    expect(countLabels(test.labels, 4)).toEqual([6, 6, 6, 6])
    expect(await openSource({ name: 'synthetic', path })).toMatchObject({
      inputShape: [12, 12, 1],
      classes: ['0', '1', '2', '3'],
    })
  })

  it('makes glyphs that their nearest class mean tells apart, if with pains', async () => {
    const { features, labels, count } = await loadDataset({
      name: 'synthetic',
      path: 'glyphs:classes=8:count=800:seed=1',
    })
    const accuracy = nearestMeanAccuracy(features, labels, { count, size: 144, classes: 8 })
    expect(accuracy).toBeGreaterThan(0.8)
    expect(accuracy).toBeLessThan(1)
  })

  it('counts on in the glyphs of a seed with first=, in examples of their own', async () => {
    const open = async (options: string) =>
      loadDataset({ name: 'synthetic', path: `glyphs:count=400:${options}` })
    const [eight, others] = [await open('classes=8'), await open('first=8:classes=20')]
    expect(others.classes[0]).toBe('8')
    expect(others.classes).toHaveLength(20)
    // Class 2 of `first=6` is class 8 of the seed: equal but for the jitter and the noise of its examples.
    const six = await open('first=6:classes=8')
    const [same, other] = [classMean(six, 2), classMean(six, 3)].map((mean) =>
      distance(mean, classMean(others, 0)),
    )
    expect(same!).toBeLessThan(other! / 4)
    expect(eight.features.subarray(0, 144)).not.toEqual(six.features.subarray(0, 144))
  })

  it('draws prototypes, several to a class, whose class means say little', async () => {
    const path = 'prototypes:count=1500:seed=1'
    const { features, labels, count, inputShape } = await loadDataset({ name: 'synthetic', path })
    expect(inputShape).toEqual([10, 10, 1])
    expect(countLabels(labels, 10)).toEqual(Array(10).fill(150))
    const accuracy = nearestMeanAccuracy(features, labels, { count, size: 100, classes: 10 })
    expect(accuracy).toBeGreaterThan(0.3)
    expect(accuracy).toBeLessThan(0.8)
    const one = await loadDataset({ name: 'synthetic', path: `${path}:modes=1` })
    expect(
      nearestMeanAccuracy(one.features, labels, { count, size: 100, classes: 10 }),
    ).toBeGreaterThan(accuracy + 0.1)
  })

  it('keeps the prototypes of a class where there are more classes', async () => {
    const rows = async (options: string) => {
      const path = `prototypes:count=40:seed=2:${options}`
      const { features } = await loadDataset({ name: 'synthetic', path, limit: 1 })
      return features
    }
    expect(await rows('classes=4:modes=1')).toEqual(await rows('classes=20:modes=1'))
  })

  it.each([
    'faces',
    'prototypes:modes=0',
    'glyphs:test=0',
    'glyphs:first=-1',
    'blobs:count=0',
    'blobs:count=x',
    'digits:side=4',
    'stroke-digits:channels=5',
    'stroke-digits:height=7',
    'classes=1',
    'seed=-1',
  ])('refuses %s', async (path) => {
    await expect(loadDataset({ name: 'synthetic', path })).rejects.toMatchObject({
      code: 'usage/bad-value',
    })
  })
})

function classMean({ features, labels }: Dataset, label: number): Float64Array {
  const own = [...labels.keys()].filter((i) => labels[i] === label)
  return Float64Array.from(
    { length: 144 },
    (_, j) => own.reduce((sum, i) => sum + features[i * 144 + j]!, 0) / own.length,
  )
}
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, j) => sum + (value - b[j]!) ** 2, 0)

/** Share of rows that are nearest to the mean of their own class. */
function nearestMeanAccuracy(
  features: Float32Array,
  labels: Int32Array,
  { count, size, classes }: { count: number; size: number; classes: number },
): number {
  const row = (i: number): Float32Array => features.subarray(i * size, (i + 1) * size)
  const means = Array.from({ length: classes }, (_, label) => {
    const own = [...labels.keys()].filter((i) => labels[i] === label)
    return Float64Array.from(
      { length: size },
      (_, j) => own.reduce((sum, i) => sum + row(i)[j]!, 0) / own.length,
    )
  })
  const distance = (i: number, mean: Float64Array): number =>
    row(i).reduce((sum, value, j) => sum + (value - mean[j]!) ** 2, 0)
  const right = [...labels].filter((label, i) => {
    const distances = means.map((mean) => distance(i, mean))
    return distances.indexOf(Math.min(...distances)) === label
  })
  return right.length / count
}
