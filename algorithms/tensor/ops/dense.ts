import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** x [..., in] · kernel [in, out] (+ bias [out]) → [..., out]. */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const product = rows(x, (flat) => tf.matMul(flat, kernel))
  return bias === undefined ? product : tf.add(product, bias)
}

/** One product of two matrices, however many axes lead: the wasm backend multiplies batches of them slowly. */
function rows(x: Tensor, multiply: (flat: Tensor) => Tensor): Tensor {
  if (x.rank === 2) return multiply(x)
  const leading = x.shape.slice(0, -1)
  const y = multiply(tf.reshape(x, [-1, x.shape.at(-1) ?? 1]))
  return tf.reshape(y, [...leading, y.shape[1] ?? 1])
}
