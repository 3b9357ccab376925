import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** exp(x) / sum(exp(x)) over the last axis. */
export const softmax = (logits: Tensor): Tensor => tf.softmax(logits)

/** log(sum(exp(x))) over the last axis, which goes. */
export function logSumExp(logits: Tensor): Tensor {
  return logSumExpOp(logits)
}

/** log of softmax over the last axis. */
export const logSoftmax = (logits: Tensor): Tensor =>
  tf.sub(logits, tf.expandDims(logSumExpOp(logits), -1))

/**
 * Mean over the batch of −Σ targets · log softmax(logits), in nats. Both [batch, classes]; each row of targets sums to 1
 * (one-hot or soft labels). Differentiable in both.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return crossEntropyOp(logits, targets)
}

// Both save their inputs only and use closed ops on the way back, so derivatives of every order are right.
const logSumExpOp = tf.customGrad((...args: unknown[]) => {
  const [x, save] = args as [Tensor, (tensors: Tensor[]) => void]
  save([x])
  return {
    value: tf.logSumExp(x, -1),
    gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(tf.expandDims(dy, -1), tf.softmax(saved[0]!)),
  }
})

const crossEntropyOp = tf.customGrad((...args: unknown[]) => {
  const [logits, targets, save] = args as [Tensor, Tensor, (tensors: Tensor[]) => void]
  save([logits, targets])
  return {
    value: tf.mean(tf.sub(tf.logSumExp(logits, -1), tf.sum(tf.mul(targets, logits), -1))),
    gradFunc: (dy: Tensor, saved: Tensor[]) => {
      const [z, t] = saved as [Tensor, Tensor]
      const perExample = tf.div(dy, z.shape[0])
      return [tf.mul(perExample, tf.sub(tf.softmax(z), t)), tf.mul(perExample, tf.neg(z))]
    },
  }
})
