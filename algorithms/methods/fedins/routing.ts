import { FederationError } from '#protocol/errors.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import { unitVectors } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Queries [batch, D] less their mean; `center` null: as they are. */
export const centred = (queries: Tensor, center: Float32Array | null): Tensor =>
  center === null ? queries : tf.sub(queries, tf.tensor1d(center))

/** Cosines of queries [batch, D] and keys [M, D]: [batch, M]. A query of zeros is as near to every key. */
export const cosines = (queries: Tensor, keys: Tensor): Tensor =>
  tf.matMul(unitVectors(queries), unitVectors(keys), false, true)

/**
 * The k nearest keys of each query as ones in [batch, M]; among equals the lower index. Has no gradient: call it outside of
 * what is differentiated.
 */
export function nearestKeys(queries: Tensor, keys: Tensor, k: number): Tensor {
  const { indices } = tf.topk(cosines(queries, keys), k, true)
  return multiHot(indices, keys.shape[0] ?? 0)
}

/** [batch, k] entry numbers → [batch, M] ones. Cast, because wasm writes integers whatever type oneHot is asked for. */
const multiHot = (indices: Tensor, entries: number): Tensor =>
  tf.sum(tf.cast(tf.oneHot(indices as tf.Tensor2D, entries), 'float32'), 1)

/** k different entries of `entries` for each row, drawn row by row. */
export function randomEntries(
  streamOf: (row: number) => Stream,
  rows: Int32Array,
  { entries, k }: { readonly entries: number; readonly k: number },
): Tensor {
  const indices = new Int32Array(rows.length * k)
  rows.forEach((row, i) => {
    const order = streamOf(row).shuffle(Int32Array.from({ length: entries }, (_, m) => m))
    indices.set(order.subarray(0, k), i * k)
  })
  return multiHot(tf.tensor2d(indices, [rows.length, k], 'int32'), entries)
}

/** Entry m for domain m. Throws `data/mismatch` where domains are not known, or are more than entries. */
export function domainEntries(domains: Uint8Array | null, entries: number): Tensor {
  if (domains === null) {
    throw new FederationError(
      'data/mismatch',
      'Oracle routing needs data whose domains are known: shifted by --shift or data.shift',
    )
  }
  const beyond = domains.find((domain) => domain >= entries)
  if (beyond !== undefined) {
    throw new FederationError(
      'data/mismatch',
      `Oracle routing needs an entry for every domain: there is a domain ${beyond} and poolSize is ${entries}`,
    )
  }
  return multiHot(tf.tensor2d(Int32Array.from(domains), [domains.length, 1], 'int32'), entries)
}
