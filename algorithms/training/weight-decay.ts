import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** g + λ w for every param, biases included: the gradient of the loss plus λ/2 · ‖w‖². After clipping, so that λ means the same with and without. */
export function decayed(
  gradients: readonly Tensor[],
  params: readonly Tensor[],
  weightDecay: number,
): readonly Tensor[] {
  if (weightDecay === 0) return gradients
  return gradients.map((gradient, i) => tf.add(gradient, tf.mul(params[i]!, weightDecay)))
}
