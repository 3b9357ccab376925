import type { Examples } from '#data/dataset.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

export interface Batch {
  /** [batch, ...inputShape] */
  readonly x: Tensor
  /** One-hot labels [batch, classes]. */
  readonly y: Tensor
}

/** The rows at `positions` (0 ≤ position < examples.indices.length), copied. The caller disposes both tensors. */
export function batchOf(examples: Examples, positions: ArrayLike<number>): Batch {
  const { features, labels, inputShape, classes } = examples.source
  const size = inputShape.reduce((all, one) => all * one, 1)
  const count = positions.length
  const x = new Float32Array(count * size)
  const y = new Float32Array(count * classes.length)
  for (let i = 0; i < count; i++) {
    const row = examples.indices[positions[i]!]!
    x.set(features.subarray(row * size, (row + 1) * size), i * size)
    y[i * classes.length + labels[row]!] = 1
  }
  return {
    x: tf.tensor(x, [count, ...inputShape], 'float32'),
    y: tf.tensor(y, [count, classes.length], 'float32'),
  }
}
