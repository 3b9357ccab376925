/** What is applied to a simulated update before it is compared: the defences, as far as an observer can tell. Gifd specification §10. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { lengthOf } from './length.js'

export interface ObservedTransformation {
  /** Norm at which the client clips, in units of the observed update; null: it does not. */
  readonly clipNorm: number | null
  /** 1 where a number was sent, 0 where it was left out; null: all were sent. */
  readonly support: readonly Tensor[] | null
  /** What the client clips is what it sends, and not also what it leaves out. */
  readonly isMaskedFirst: boolean
  /** What was taken off the observed update and so comes off every other; null: nothing. */
  readonly shift: readonly Tensor[] | null
}

/**
 * The simulated update as it would be observed. Exactly differentiable, through the clipping factor too: a client's clipping is
 * a part of what is inverted. Call inside tf.tidy.
 */
export function transformed(
  update: readonly Tensor[],
  { clipNorm, support, isMaskedFirst, shift }: ObservedTransformation,
): readonly Tensor[] {
  const unbounded = isMaskedFirst && support !== null ? masked(update, support) : update
  const bounded = clipNorm === null ? unbounded : scaledDown(unbounded, clipNorm)
  const shifted = shift === null ? bounded : bounded.map((tensor, i) => tf.sub(tensor, shift[i]!))
  return support === null ? shifted : masked(shifted, support)
}

const masked = (update: readonly Tensor[], support: readonly Tensor[]): readonly Tensor[] =>
  update.map((tensor, i) => tf.mul(tensor, support[i]!))

const scaledDown = (update: readonly Tensor[], clipNorm: number): readonly Tensor[] => {
  const factor = clipFactor(update, clipNorm)
  return update.map((tensor) => tf.mul(tensor, factor))
}

/**
 * min(1, c / n) for an update a of length n. Slope where it is below 1: −(c / n) (a / n) / n, in an order that needs no square
 * of a small number; elsewhere none.
 */
function clipFactor(update: readonly Tensor[], clipNorm: number): tf.Scalar {
  const op = tf.customGrad((...args: unknown[]) => {
    const parts = args.slice(0, -1) as Tensor[]
    const save = args.at(-1) as (tensors: Tensor[]) => void
    const { norm } = lengthOf(parts)
    const ratio = tf.div(clipNorm, norm)
    const isClipped = tf.cast(tf.less(ratio, 1), 'float32')
    save([...parts, norm, tf.mul(tf.neg(isClipped), tf.div(ratio, norm))])
    return {
      value: tf.minimum<tf.Scalar>(1, ratio),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [length, slope] = saved.slice(parts.length)
        const scale = tf.mul(dy, slope!)
        return parts.map((_, i) => tf.mul(tf.div(saved[i]!, length!), scale))
      },
    }
  })
  return op(...update)
}
