/** How a decoder makes pictures larger: with ops that can be differentiated on every backend. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Each pixel becomes 2 × 2 equal ones: [batch, h, w, channels] → [batch, 2 h, 2 w, channels]. */
export function doubled(x: Tensor): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape
  const pixels = tf.reshape(x, [batch * height * width, 1, channels])
  const row = tf.reshape(tf.concat([pixels, pixels], 1), [batch * height, 1, 2 * width * channels])
  return tf.reshape(tf.concat([row, row], 1), [batch, 2 * height, 2 * width, channels])
}

/** Four groups of channels become the four pixels of a square: [batch, h, w, 4 c] → [batch, 2 h, 2 w, c]. */
export function channelsToSquares(x: Tensor): Tensor {
  const [batch = 0, height = 0, width = 0, groups = 0] = x.shape
  // Groups are (row, column, channel): only the row of the square has to move in front of the column of the picture.
  const rows = tf.reshape(x, [batch * height, width, 2, groups / 2])
  const square = tf.transpose(rows, [0, 2, 1, 3])
  return tf.reshape(square, [batch, 2 * height, 2 * width, groups / 4])
}
