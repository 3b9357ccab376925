/** How far an update is from the observed one. Gifd specification §5.1. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/**
 * cosine: 1 − ⟨a, b⟩ / (‖a‖ ‖b‖) over all tensors as one vector, from 0 to 2; blind to the length of either. l2: the squared
 * distance, a sum over all numbers.
 */
export const DISTANCES = ['cosine', 'l2'] as const
export type Distance = (typeof DISTANCES)[number]

/** Under a root, so that an update of zeros has a direction of zeros. */
const GUARD = 1e-12

/** Distances to one observed update, which is kept in both forms until `dispose`. */
export interface DistanceTo {
  /** As many tensors as were observed, of the same shapes. Call inside tf.tidy. */
  from(update: readonly Tensor[], distance: Distance): tf.Scalar
  dispose(): void
}

export const sumOfSquares = (tensors: readonly Tensor[]): tf.Scalar =>
  tf.addN(tensors.map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor))))

const guardedNorm = (tensors: readonly Tensor[]): tf.Scalar =>
  tf.sqrt(tf.add(sumOfSquares(tensors), GUARD))

const squaredDistance = (a: readonly Tensor[], b: readonly Tensor[]): tf.Scalar =>
  tf.addN(a.map((tensor, i) => tf.sum<tf.Scalar>(tf.square(tf.sub(tensor, b[i]!)))))

/** `observed` is copied. */
export function distanceTo(observed: readonly Tensor[]): DistanceTo {
  const kept = observed.map((tensor) => tf.clone(tensor))
  const direction = tf.tidy(() => {
    const norm = guardedNorm(observed)
    return observed.map((tensor) => tf.div(tensor, norm))
  })
  return {
    from: (update, distance) =>
      distance === 'l2' ? squaredDistance(update, kept) : cosineDistance(update, direction),
    dispose: () => tf.dispose([...kept, ...direction]),
  }
}

/**
 * As half the squared distance of the two directions, which is the same number: near 0, where searches end, 1 − cosine is all
 * rounding. What the guard takes from the direction of `update` is given back, so that zeros have distance 1, not 1/2.
 */
function cosineDistance(update: readonly Tensor[], direction: readonly Tensor[]): tf.Scalar {
  const guarded = tf.add(sumOfSquares(update), GUARD)
  const norm = tf.sqrt(guarded)
  const apart = squaredDistance(
    update.map((tensor) => tf.div(tensor, norm)),
    direction,
  )
  return tf.mul(0.5, tf.add(apart, tf.div(GUARD, guarded)))
}
