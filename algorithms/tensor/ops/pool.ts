import { tf, type Tensor, type Tensor4D } from '#algorithms/tensor/tf.js'

/**
 * Largest element of each size x size window, windows side by side; an odd last row or column is dropped. When
 * differentiated, the places of the maxima are held constant.
 */
export const maxPool = (x: Tensor, size: number): Tensor =>
  tf.maxPool(x as Tensor4D, size, size, 'valid')

/** Mean of each size x size window, windows side by side; an odd last row or column is dropped. */
export const avgPool = (x: Tensor, size: number): Tensor =>
  tf.avgPool(x as Tensor4D, size, size, 'valid')

/** [batch, height, width, channels] → [batch, channels]: the mean over each image. */
export const globalAvgPool = (x: Tensor): Tensor => tf.mean(x, [1, 2])
