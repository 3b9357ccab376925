import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { idxBytes, temporaryDirectory } from '#testing/data-fixtures.js'
import { loadDataset } from './loader-list.js'

const temporary = temporaryDirectory()

async function directory(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const path = join(temporary.path(), name)
  await mkdir(path)
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(path, file), bytes)
  return path
}
const IMAGES = idxBytes([3, 1, 2], [0, 51, 102, 153, 204, 255])
const LABELS = idxBytes([3], [2, 0, 1])

describe('idx', () => {
  it('reads the pair of each split, pixels divided by 255, with a channel', async () => {
    const path = await directory('plain', {
      'train-images-idx3-ubyte': IMAGES,
      'train-labels-idx1-ubyte': LABELS,
      't10k-images.idx3-ubyte.gz': gzipSync(idxBytes([1, 1, 2], [255, 0])),
      't10k-labels.idx1-ubyte.gz': gzipSync(idxBytes([1], [1])),
    })
    const train = await loadDataset({ name: 'idx', path })
    expect(train).toMatchObject({
      name: 'idx',
      inputShape: [1, 2, 1],
      classes: ['0', '1', '2'],
      count: 3,
    })
    expect(train.features).toEqual(Float32Array.from([0, 0.2, 0.4, 0.6, 0.8, 1]))
    expect(train.labels).toEqual(Int32Array.from([2, 0, 1]))
    const test = await loadDataset({ name: 'idx', path, split: 'test' })
    expect([...test.features]).toEqual([1, 0])
    expect([...test.labels]).toEqual([1])
  })

  it('keeps the first rows under a limit', async () => {
    const path = await directory('limit', {
      'train-images-idx3-ubyte': IMAGES,
      'train-labels-idx1-ubyte': LABELS,
    })
    const { count, labels } = await loadDataset({
      name: 'idx',
      path: `${path}:classes=3`,
      limit: 2,
    })
    expect(count).toBe(2)
    expect([...labels]).toEqual([2, 0])
  })

  it('takes colour images, rows of a table, and names of classes', async () => {
    const colour = await directory('colour', {
      'train-images-idx4-ubyte': idxBytes([1, 1, 1, 3], [0, 0, 255]),
      'train-labels-idx1-ubyte': idxBytes([1], [0]),
    })
    const { inputShape, classes } = await loadDataset({
      name: 'idx',
      path: `${colour}:classes=blue,red`,
    })
    expect(inputShape).toEqual([1, 1, 3])
    expect(classes).toEqual(['blue', 'red'])
    const table = await directory('table', {
      'train-images-idx2-ubyte': idxBytes([1, 4], [0, 0, 255, 0]),
      'train-labels-idx1-ubyte': idxBytes([1], [0]),
    })
    expect((await loadDataset({ name: 'idx', path: table })).inputShape).toEqual([4])
  })

  it('refuses different numbers of images and labels', async () => {
    const path = await directory('uneven', {
      'train-images-idx3-ubyte': IMAGES,
      'train-labels-idx1-ubyte': idxBytes([2], [0, 1]),
    })
    await expect(loadDataset({ name: 'idx', path })).rejects.toThrow(
      /expected 3 labels, one an image, found 2/,
    )
  })

  it('refuses a label beyond the classes', async () => {
    const path = await directory('beyond', {
      'train-images-idx3-ubyte': IMAGES,
      'train-labels-idx1-ubyte': LABELS,
    })
    const loading = loadDataset({ name: 'idx', path: `${path}:classes=2` })
    await expect(loading).rejects.toThrow(/expected labels below 2, found 2 in row 0/)
  })

  it('says which file is missing', async () => {
    const path = await directory('half', { 'train-images-idx3-ubyte': IMAGES })
    await expect(loadDataset({ name: 'idx', path })).rejects.toMatchObject({
      code: 'data/not-found',
    })
    await expect(loadDataset({ name: 'idx', path })).rejects.toThrow(
      /half.train-labels-idx1-ubyte.* train split/,
    )
    await expect(loadDataset({ name: 'idx', path: join(path, 'no') })).rejects.toThrow(
      /no: expected a directory/,
    )
  })
})
