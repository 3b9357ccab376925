import type { Stream } from './stream.js'
import { tf, type Tensor } from './tf.js'

/** A float32 tensor of independent normal numbers with mean 0, drawn in row order. */
export function normalTensor(stream: Stream, shape: readonly number[], deviation = 1): Tensor {
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape([...shape]) },
    () => deviation * stream.normal(),
  )
  return tf.tensor(values, [...shape])
}
