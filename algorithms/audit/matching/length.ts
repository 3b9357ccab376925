import { tf, type Tensor } from '#algorithms/tensor/tf.js'

export interface Length {
  /** L2 norm over all numbers of all tensors; 1 in place of 0, so that it can be divided by. */
  readonly norm: tf.Scalar
  /** 1 where all numbers are 0, 0 elsewhere. */
  readonly isZero: tf.Scalar
}

/**
 * The length of an update as one vector. Without a guard, which would hide updates that are about as small: numbers are divided
 * by the largest of them before they are squared, for squares of numbers below 1e-19 are nothing in single precision. Not to be
 * differentiated. Call inside tf.tidy.
 */
export function lengthOf(update: readonly Tensor[]): Length {
  const peak = tf.max(tf.stack(update.map((tensor) => tf.max(tf.abs(tensor)))))
  const isZero = tf.cast<tf.Scalar>(tf.equal(peak, 0), 'float32')
  const unit = tf.add(peak, isZero)
  const squares = update.map((tensor) => tf.sum<tf.Scalar>(tf.square(tf.div(tensor, unit))))
  const norm = tf.mul<tf.Scalar>(unit, tf.sqrt(tf.add(tf.addN(squares), isZero)))
  return { norm, isZero }
}
