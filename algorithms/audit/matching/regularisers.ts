/** What a search adds to the matching loss so that pictures look like pictures. Gifd specification §5.2. All inside tf.tidy. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Mean absolute difference of horizontal neighbours plus that of vertical ones, over the batch. x: [batch, height, width, channels]. */
export function totalVariation(x: Tensor): tf.Scalar {
  const [batch = 1, height = 1, width = 1, channels = 1] = x.shape
  const along = (axis: 1 | 2, size: number): tf.Scalar => {
    if (size < 2) return tf.scalar(0)
    const shape = [batch, height, width, channels]
    shape[axis] = size - 1
    const behind = axis === 1 ? [0, 1, 0, 0] : [0, 0, 1, 0]
    return tf.mean<tf.Scalar>(
      tf.abs(tf.sub(tf.slice(x, behind, shape), tf.slice(x, [0, 0, 0, 0], shape))),
    )
  }
  return tf.add(along(2, width), along(1, height))
}

const GUARD = 1e-12
const norm = (x: Tensor): tf.Scalar => tf.sqrt(tf.add(tf.sum<tf.Scalar>(tf.square(x)), GUARD))

const pixels = (x: Tensor): number => (x.shape[1] ?? 1) * (x.shape[2] ?? 1)

/** ‖x‖ / (height · width), the norm over the whole batch. */
export const pictureNorm = (x: Tensor): tf.Scalar => tf.div(norm(x), pixels(x))

/** ‖x − centre‖ / (height · width): holds restarts together (group consistency). */
export const groupDistance = (x: Tensor, centre: Tensor): tf.Scalar =>
  tf.div(norm(tf.sub(x, centre)), pixels(x))
