import { parseClassNames } from '#data/formats/class-names.js'
import { openIdxPair } from '#data/formats/idx-pair.js'
import type { Loader } from './loader.js'

/**
 * A directory with pairs of idx files, the format of MNIST and its relatives (Y. LeCun, C. Cortes, C. Burges, "The MNIST
 * database of handwritten digits", 1998): `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`, plain or `.gz`.
 * Grey images get a channel; pixels become value / 255. Classes are 0 … the largest label, unless `classes=` says more: a
 * node that happens to hold no example of the last class must say it.
 */
export const idx: Loader = {
  name: 'idx',
  usage: 'idx:DIRECTORY[:classes=N|a,b,c]',
  summary: 'a directory of idx files (train and t10k pairs, .gz too)',
  path: 'required',
  options: ['classes'],
  reproducible: false,
  open: (request) => {
    const classes = request.options['classes']
    return openIdxPair(request, classes === undefined ? undefined : parseClassNames(classes))
  },
}
