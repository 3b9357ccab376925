/** The terms of the distillation losses (fedd2s specification §6). Differentiable in the student's logits on every backend. */
import { logSoftmax, softmax } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Inside the logarithm a teacher's probability is at least this; its product is not changed, so that 0 · log 0 = 0. */
const LEAST = 1e-8

export interface Softness {
  /** T > 0. */
  readonly temperature: number
  /** Multiply by T², which makes gradients comparable across temperatures. */
  readonly scaleByT2: boolean
}

/** σ_T(u) = softmax(u / T): [batch, C] → [batch, C]. */
export const softened = (logits: Tensor, temperature: number): Tensor =>
  softmax(tf.div(logits, temperature))

/**
 * T² · KL(teacher ‖ σ_T(logits)) of every example, in nats: [batch]. The teacher is a constant [batch, C] whose rows sum to 1.
 * In the logits: ∂/∂v = T · (σ_T(v) − q).
 */
export function divergences(
  logits: Tensor,
  teacher: Tensor,
  { temperature, scaleByT2 }: Softness,
): Tensor {
  const own = tf.log(tf.maximum(teacher, LEAST))
  const student = logSoftmax(tf.div(logits, temperature))
  const kl = tf.sum(tf.mul(teacher, tf.sub(own, student)), -1)
  return scaleByT2 ? tf.mul(kl, temperature ** 2) : kl
}

/** −log softmax(logits) of the label of every example: [batch]. `y` is one-hot [batch, C]. */
export const crossEntropies = (logits: Tensor, y: Tensor): Tensor =>
  tf.neg(tf.sum(tf.mul(y, logSoftmax(logits)), -1))

/** (1/batch) Σ weight_i · value_i: masks and weights count in the sum, not in its divisor (§6.1). Both [batch]. */
export const weightedMean = (values: Tensor, weights: Tensor): tf.Scalar =>
  tf.mean<tf.Scalar>(tf.mul(values, weights))
