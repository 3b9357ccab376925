/**
 * A generator that has seen a record can give it back without any update: such a record must not be audited (gifd
 * specification §18). Its file holds a hash of every picture it was trained on.
 */
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { Examples } from '#data/dataset.js'
import { picturesOf } from '#algorithms/audit/metrics/pictures.js'
import type { LayeredGenerator } from './layered-generator.js'

/** Of SHA-256: among 100,000 pictures two share it by chance once in 10⁹ times. */
export const RECORD_HASH_BYTES = 8

/** Of the picture in 256 steps, so that a rounding on the way does not hide it. Hexadecimal. */
export function recordHash(picture: Float32Array): string {
  const bytes = Uint8Array.from(picture, (value) =>
    Math.round(Math.min(Math.max(value, 0), 1) * 255),
  )
  return sha256(bytes).slice(0, 2 * RECORD_HASH_BYTES)
}

/** In the order of the examples. */
export function recordHashes({ source, indices }: Examples): string[] {
  const pictures = picturesOf(source.features, source.inputShape)
  return Array.from(indices, (row) => recordHash(pictures[row]!))
}

/** Throws `audit/record-known` when the generator was trained on one of the examples. */
export function assertUnseen(generator: LayeredGenerator, examples: Examples): void {
  const known = recordHashes(examples).filter((hash) => generator.trainingRecords.has(hash))
  if (known.length === 0) return
  const [one, are] = known.length === 1 ? ['one record', 'is'] : [`${known.length} records`, 'are']
  throw new FederationError(
    'audit/record-known',
    `The generator was trained on ${one} that ${are} audited (${generator.trainedOn})`,
  )
}
