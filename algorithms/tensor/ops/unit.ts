import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Below this a length counts as zero. */
const SHORTEST = 1e-12

/**
 * Vectors along `axis`, each divided by its length. A vector of zeros stays one and has no gradient: the slope of a
 * direction has the length in its denominator.
 */
export function unitVectors(x: Tensor, axis = -1): Tensor {
  const squared = tf.sum(tf.square(x), axis, true)
  const isLong = tf.step(tf.sub(squared, SHORTEST ** 2))
  // Zeros are divided by 1: near 0 the derivatives of a root are too large for a number.
  const length = tf.sqrt(tf.add(tf.mul(squared, isLong), tf.sub(1, isLong)))
  return tf.div(tf.mul(x, isLong), length)
}
