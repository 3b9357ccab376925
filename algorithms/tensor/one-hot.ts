import { tf, type Tensor } from './tf.js'

/** [labels, classes]; a label of `classes` or more has a row of zeros. float32 on every backend. */
export function oneHot(labels: ArrayLike<number>, classes: number): Tensor {
  const values = new Float32Array(labels.length * classes)
  Array.from(labels).forEach((label, row) => {
    if (label < classes) values[row * classes + label] = 1
  })
  return tf.tensor(values, [labels.length, classes])
}
