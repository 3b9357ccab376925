import { tf, type Tensor } from '#algorithms/tensor/tf.js'

export const exp = (x: Tensor): Tensor => tf.exp(x)
export const sigmoid = (x: Tensor): Tensor => tf.sigmoid(x)
export const tanh = (x: Tensor): Tensor => tf.tanh(x)
/** max(x, 0). Its derivative at 0 is taken as 0. */
export const relu = (x: Tensor): Tensor => tf.relu(x)
/** log(1 + exp(x)): the smooth twin of relu. */
export const softplus = (x: Tensor): Tensor => tf.softplus(x)

/** x where positive, slope · x elsewhere. */
export const leakyRelu = (x: Tensor, slope = 0.2): Tensor =>
  tf.sub(tf.relu(x), tf.mul(slope, tf.relu(tf.neg(x))))

/** x where positive, exp(x) − 1 elsewhere. */
export const elu = (x: Tensor): Tensor =>
  tf.add(tf.relu(x), tf.sub(tf.exp(tf.neg(tf.relu(tf.neg(x)))), 1))

/** x · Φ(x) with the exact normal distribution function, by erf. */
export const gelu = (x: Tensor): Tensor =>
  tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))))
