import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { FederationError } from '#protocol/errors.js'

interface Affine {
  readonly scale: Tensor
  readonly shift: Tensor
  /** Added to the variance. */
  readonly epsilon?: number
}

/** Each row of the last axis to mean 0 and variance 1, then times scale plus shift (both of that axis' size). */
export function layerNorm(x: Tensor, { scale, shift, epsilon = 1e-5 }: Affine): Tensor {
  return tf.add(tf.mul(standardised(x, [x.rank - 1], epsilon), scale), shift)
}

/**
 * x [batch, height, width, channels]: each image's channels in `groups` groups of neighbours, each group to mean 0 and
 * variance 1 over height, width and its channels; then times scale plus shift [channels]. Throws unless groups divides channels.
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  { scale, shift, epsilon = 1e-5 }: Affine,
): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape
  if (channels % groups !== 0) {
    throw new FederationError(
      'model/does-not-fit',
      `${groups} groups do not divide ${channels} channels`,
    )
  }
  const grouped = tf.reshape(x, [batch, height * width, groups, channels / groups])
  const normal = tf.reshape(standardised(grouped, [1, 3], epsilon), x.shape)
  return tf.add(tf.mul(normal, scale), shift)
}

function standardised(x: Tensor, axes: number[], epsilon: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true))
  const variance = tf.mean(tf.square(centred), axes, true)
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)))
}
