import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** L2 norm over all elements of all tensors. */
export function globalNorm(tensors: readonly Tensor[]): tf.Scalar {
  return tf.sqrt(tf.addN(tensors.map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor)))))
}

/**
 * Scales all gradients by one factor so that their global norm is at most `maxNorm` (Pascanu et al., On the difficulty of
 * training recurrent neural networks, ICML 2013, https://arxiv.org/abs/1211.5063). Below the bound the factor is exactly 1.
 */
export function clipped(gradients: readonly Tensor[], maxNorm: number | null): readonly Tensor[] {
  if (maxNorm === null) return gradients
  const factor = tf.minimum(1, tf.div(maxNorm, globalNorm(gradients)))
  return gradients.map((gradient) => tf.mul(gradient, factor))
}
