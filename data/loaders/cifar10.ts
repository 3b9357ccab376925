import { join } from 'node:path'
import { openCifar } from '#data/formats/cifar.js'
import type { Loader } from './loader.js'

const CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]
const FILES = {
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  test: ['test_batch.bin'],
}

/**
 * Colour photographs of 32 × 32 in ten classes, 50,000 + 10,000: the binary version, unpacked (`cifar-10-batches-bin`).
 * A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
 * Records of 1 label byte and 3,072 pixels; pixels become value / 255 in [32, 32, 3] order.
 */
export const cifar10: Loader = {
  name: 'cifar10',
  usage: 'cifar10:DIRECTORY',
  summary: 'the binary version of CIFAR-10, unpacked',
  path: 'required',
  options: [],
  reproducible: false,
  open: ({ path, split, limit }) =>
    openCifar({
      paths: FILES[split].map((name) => join(path, name)),
      labelBytes: 1,
      labelAt: 0,
      classes: CLASSES,
      limit,
    }),
}
