import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { corrupt, fileSize, readRange } from '#data/files.js'
import { openCifar } from '#data/formats/cifar.js'
import type { Loader } from './loader.js'

const LABELS = {
  fine: { at: 1, count: 100, names: 'fine_label_names.txt' },
  coarse: { at: 0, count: 20, names: 'coarse_label_names.txt' },
}
const MAX_NAMES_BYTES = 10_000

function labelKind(text: string): (typeof LABELS)['fine'] {
  if (text === 'fine' || text === 'coarse') return LABELS[text]
  throw new FederationError('usage/bad-value', `labels=${text}: expected fine or coarse`)
}

async function readNames(path: string, count: number): Promise<string[]> {
  const size = await fileSize(path, `the names of ${count} classes`)
  if (size > MAX_NAMES_BYTES) throw corrupt(path, `at most ${MAX_NAMES_BYTES} bytes`, `${size}`)
  const text = new TextDecoder().decode(await readRange(path, 0, size))
  const names = text.split(/\s+/).filter((name) => name !== '')
  if (names.length !== count) throw corrupt(path, `${count} names, one a line`, `${names.length}`)
  return names
}

/**
 * Colour photographs of 32 × 32 in a hundred classes (twenty with `labels=coarse`), 50,000 + 10,000: the binary version,
 * unpacked (`cifar-100-binary`). A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
 * https://www.cs.toronto.edu/~kriz/cifar.html. Records of a coarse and a fine label byte and 3,072 pixels.
 */
export const cifar100: Loader = {
  name: 'cifar100',
  usage: 'cifar100:DIRECTORY[:labels=fine|coarse]',
  summary: 'the binary version of CIFAR-100, unpacked',
  path: 'required',
  options: ['labels'],
  reproducible: false,
  open: async ({ path, options, split, limit }) => {
    const kind = labelKind(options['labels'] ?? 'fine')
    return openCifar({
      paths: [join(path, `${split}.bin`)],
      labelBytes: 2,
      labelAt: kind.at,
      classes: await readNames(join(path, kind.names), kind.count),
      limit,
    })
  },
}
