/** What is applied to a simulated update before it is compared: the defences, as far as an observer can tell. Gifd specification §10. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { sumOfSquares } from './distance.js'

export interface ObservedTransformation {
  /** Norm at which the client clips, in units of the observed update; null: it does not. */
  readonly clipNorm: number | null
  /** 1 where a number was sent, 0 where it was left out; null: all were sent. */
  readonly support: readonly Tensor[] | null
  /** What was taken off the observed update and so comes off every other; null: nothing. */
  readonly shift: readonly Tensor[] | null
}

const CLIP_GUARD = 1e-6

/**
 * The simulated update as it would be observed. Exactly differentiable, through the clipping factor too: a client's clipping is
 * a part of what is inverted. Call inside tf.tidy.
 */
export function transformed(
  update: readonly Tensor[],
  { clipNorm, support, shift }: ObservedTransformation,
): readonly Tensor[] {
  const bounded = clipNorm === null ? update : scaledDown(update, clipNorm)
  const shifted = shift === null ? bounded : bounded.map((tensor, i) => tf.sub(tensor, shift[i]!))
  return support === null ? shifted : shifted.map((tensor, i) => tf.mul(tensor, support[i]!))
}

function scaledDown(update: readonly Tensor[], clipNorm: number): readonly Tensor[] {
  const norm = tf.sqrt(tf.add(sumOfSquares(update), CLIP_GUARD ** 2))
  const factor = tf.minimum(1, tf.div(clipNorm, norm))
  return update.map((tensor) => tf.mul(tensor, factor))
}
