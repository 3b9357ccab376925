import { decodeGenerator } from '../generator-file.js'
import type { LayeredGenerator } from '../layered-generator.js'
import { TINY_GENERATOR } from './tiny-generator-data.js'

/** The file of the generator that comes with the product. */
export const tinyGeneratorBytes = (): Uint8Array =>
  new Uint8Array(Buffer.from(TINY_GENERATOR, 'base64'))

/**
 * A generator of digits drawn with strokes, 16 × 16 grey, for tests, examples and canaries of that size; made by
 * scripts/make-tiny-generator.mjs. The caller disposes it. Call with a backend active.
 */
export const tinyGenerator = (): LayeredGenerator => decodeGenerator(tinyGeneratorBytes())
