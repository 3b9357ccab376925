import type { OptimizerConfig } from '#protocol/run-config.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** λ, and what it acts on. */
export type Decay = Pick<OptimizerConfig, 'weightDecay' | 'decay'>

/** Biases, and scales and shifts of norms: what has one dimension or none. */
const isWeight = ({ rank }: Tensor): boolean => rank > 1

/**
 * g + λ w for every param, biases included: the gradient of the loss plus λ/2 · ‖w‖². With `decay` weights, only for params of
 * two dimensions or more: a bias does not make a model less smooth, and pulling it to 0 only shifts its output (fedd2s
 * specification §10). After clipping, so that λ means the same with and without.
 */
export function decayed(
  gradients: readonly Tensor[],
  params: readonly Tensor[],
  { weightDecay, decay = 'all' }: Decay,
): readonly Tensor[] {
  if (weightDecay === 0) return gradients
  return gradients.map((gradient, i) => {
    const param = params[i]!
    if (decay === 'weights' && !isWeight(param)) return gradient
    return tf.add(gradient, tf.mul(param, weightDecay))
  })
}
