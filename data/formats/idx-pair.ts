import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabelledRows, LoadRequest, Split } from '#data/loaders/loader.js'
import { rowSize } from '#data/dataset.js'
import { corrupt, notFound } from '#data/files.js'
import { checkLabels, numbered } from './class-names.js'
import { readIdx } from './idx.js'
import { pickPixels } from './pixels.js'

const PREFIXES: Readonly<Record<Split, string>> = { train: 'train', test: '(?:t10k|test)' }
const EXAMPLE: Readonly<Record<Split, string>> = { train: 'train', test: 't10k' }

/** `train-images-idx3-ubyte`, with a dot for the second hyphen, with `.gz`: the names under which such sets are published. */
async function findFile(
  directory: string,
  split: Split,
  what: 'images' | 'labels',
): Promise<string> {
  const dimension = what === 'labels' ? '1' : '[2-4]'
  const pattern = new RegExp(`^${PREFIXES[split]}-${what}[-.]idx${dimension}-ubyte(?:\\.gz)?$`)
  const names = await readdir(directory).catch(() => null)
  if (names === null) throw notFound(directory, 'a directory with idx files')
  const found = names.sort().find((name) => pattern.test(name))
  if (found !== undefined) return join(directory, found)
  throw notFound(
    join(directory, `${EXAMPLE[split]}-${what}-idx${what === 'labels' ? 1 : 3}-ubyte`),
    `the ${what} of the ${split} split (or the same name with .gz)`,
  )
}

/** [28, 28] is a grey image and gets its channel; [28, 28, 3] is kept; [12] is a row of a table. */
const shapeOf = (row: readonly number[]): readonly number[] =>
  row.length === 2 ? [...row, 1] : row

/** A pair of idx files in a directory, pixels scaled to [0, 1]. Without `classes`: 0 … largest label read. */
export async function openIdxPair(
  { path, split, limit }: Pick<LoadRequest, 'path' | 'split' | 'limit'>,
  classes?: readonly string[],
): Promise<LabelledRows> {
  const [imagePath, labelPath] = await Promise.all([
    findFile(path, split, 'images'),
    findFile(path, split, 'labels'),
  ])
  const labelFile = await readIdx(labelPath, limit)
  const images = await readIdx(imagePath, limit)
  if (labelFile.dimensions.length !== 1) {
    throw corrupt(labelPath, 'one dimension', `${labelFile.dimensions.length}`)
  }
  const [labelCount, imageCount] = [labelFile.dimensions[0]!, images.dimensions[0]!]
  if (labelCount !== imageCount)
    throw corrupt(labelPath, `${imageCount} labels, one an image`, `${labelCount}`)
  const labels = Int32Array.from(labelFile.data)
  const names = classes ?? numbered(Math.max(1, ...new Set(labels)) + 1)
  checkLabels(labelPath, labels, names.length)
  const inputShape = shapeOf(images.dimensions.slice(1))
  return {
    inputShape,
    classes: names,
    labels,
    features: async (indices) => pickPixels(images.data, rowSize(inputShape), indices),
  }
}
