import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** x [batch, in] · kernel [in, out] (+ bias [out]) → [batch, out]. */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const product = tf.matMul(x, kernel)
  return bias === undefined ? product : tf.add(product, bias)
}
