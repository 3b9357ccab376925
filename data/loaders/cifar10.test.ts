import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cifarRecord, temporaryDirectory } from '#testing/data-fixtures.js'
import { loadDataset } from './loader-list.js'

const { file, path } = temporaryDirectory()
beforeAll(async () => {
  for (let batch = 1; batch <= 5; batch++) {
    await file(
      `data_batch_${batch}.bin`,
      cifarRecord([batch], (pixel) => pixel + batch),
    )
  }
  await file(
    'test_batch.bin',
    Buffer.concat([cifarRecord([9], () => 253), cifarRecord([0], () => 0)]),
  )
})

describe('cifar10', () => {
  it('turns planes into pixels', async () => {
    const { inputShape, features, labels, classes } = await loadDataset({
      name: 'cifar10',
      path: path(),
      split: 'test',
    })
    expect(inputShape).toEqual([32, 32, 3])
    expect(classes[9]).toBe('truck')
    expect([...labels]).toEqual([9, 0])
    // Red 253, green 254, blue 255 in every pixel of the first picture; 0, 1, 2 in the second.
    const scaled = [253, 254, 255, 253].map((value) => Math.fround(value / 255))
    expect([...features.subarray(0, 4)]).toEqual(scaled)
    expect([...features.subarray(3072, 3075)]).toEqual(
      [0, 1, 2].map((value) => Math.fround(value / 255)),
    )
  })

  it('reads the five batches in order, and no further than the limit', async () => {
    const all = await loadDataset({ name: 'cifar10', path: path() })
    expect([...all.labels]).toEqual([1, 2, 3, 4, 5])
    // Pixel 7 of batch 5: red is 7 + 5.
    expect(all.features[4 * 3072 + 7 * 3]).toBe(Math.fround(12 / 255))
    const some = await loadDataset({ name: 'cifar10', path: path(), limit: 3 })
    expect([...some.labels]).toEqual([1, 2, 3])
    expect(some.features).toEqual(all.features.subarray(0, 3 * 3072))
  })

  it('refuses half a record and says which file', async () => {
    await writeFile(join(path(), 'test_batch.bin'), cifarRecord([1], () => 0).subarray(0, 3000))
    const loading = loadDataset({ name: 'cifar10', path: path(), split: 'test' })
    await expect(loading).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(loading).rejects.toThrow(
      /test_batch\.bin: expected a multiple of 3073 bytes .* found 3000 bytes/,
    )
  })

  it('refuses a label beyond the ten', async () => {
    await file(
      'test_batch.bin',
      cifarRecord([10], () => 0),
    )
    const loading = loadDataset({ name: 'cifar10', path: path(), split: 'test' })
    await expect(loading).rejects.toThrow(/labels below 10, found 10 in row 0/)
  })

  it('says that a batch is missing', async () => {
    const loading = loadDataset({ name: 'cifar10', path: join(path(), 'elsewhere') })
    await expect(loading).rejects.toMatchObject({ code: 'data/not-found' })
    await expect(loading).rejects.toThrow(/data_batch_1\.bin/)
  })
})
