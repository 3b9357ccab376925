import type { Examples } from '#data/dataset.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Which examples the rows of a batch are. */
export interface RowFacts {
  /** Their numbers in the data set. */
  readonly rows: Int32Array
  /** The domain of each; null where the data have none. */
  readonly domains: Uint8Array | null
}

export interface Batch extends RowFacts {
  /** [batch, ...inputShape] */
  readonly x: Tensor
  /** One-hot labels [batch, classes]. */
  readonly y: Tensor
  /** Places of the rows among the examples. */
  readonly positions: Int32Array
}

/** The rows at `positions` (0 ≤ position < examples.indices.length), copied. The caller disposes x and y. */
export function batchOf(examples: Examples, positions: ArrayLike<number>): Batch {
  const { features, labels, inputShape, classes, domains } = examples.source
  const size = inputShape.reduce((all, one) => all * one, 1)
  const places = Int32Array.from(positions)
  const rows = places.map((place) => examples.indices[place]!)
  const x = new Float32Array(rows.length * size)
  const y = new Float32Array(rows.length * classes.length)
  rows.forEach((row, i) => {
    x.set(features.subarray(row * size, (row + 1) * size), i * size)
    y[i * classes.length + labels[row]!] = 1
  })
  return {
    x: tf.tensor(x, [rows.length, ...inputShape], 'float32'),
    y: tf.tensor(y, [rows.length, classes.length], 'float32'),
    positions: places,
    rows,
    domains: domains === undefined ? null : Uint8Array.from(rows, (row) => domains.of[row]!),
  }
}
