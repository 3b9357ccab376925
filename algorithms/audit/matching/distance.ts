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
  tf.addN(a.map((tensor, i) => tf.sum<tf.Scalar>(tf.squaredDifference(tensor, b[i]!))))

/** `observed` is copied. */
export function distanceTo(observed: readonly Tensor[]): DistanceTo {
  const kept = observed.map((tensor) => tf.clone(tensor))
  const direction = tf.tidy(() => {
    const norm = guardedNorm(observed)
    return observed.map((tensor) => tf.div(tensor, norm))
  })
  const to = { cosine: cosineDistanceTo(direction), l2: squaredDistanceTo(kept) }
  return {
    from: (update, distance) => to[distance](update),
    dispose: () => tf.dispose([...kept, ...direction]),
  }
}

type Measure = (update: readonly Tensor[]) => tf.Scalar

/** What differentiates a measure, by hand: a model of millions of params has no time for the many passes of a taped one. */
interface Slopes {
  readonly value: tf.Scalar
  /** What `slope` needs beside the update. */
  readonly kept: readonly Tensor[]
  /** Of one tensor of the update, for a slope of 1. */
  readonly slope: (tensor: Tensor, i: number, kept: readonly Tensor[]) => Tensor
}

/** A measure that is differentiated once: nothing here needs its second derivative. */
function measured(of: (update: readonly Tensor[]) => Slopes): Measure {
  const op = tf.customGrad((...args: unknown[]) => {
    const update = args.slice(0, -1) as Tensor[]
    const save = args.at(-1) as (tensors: Tensor[]) => void
    const { value, kept, slope } = of(update)
    save([...update, ...kept])
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const own = saved.slice(update.length)
        return update.map((_, i) => tf.mul(dy, slope(saved[i]!, i, own)))
      },
    }
  })
  return (update) => op(...update)
}

const squaredDistanceTo = (observed: readonly Tensor[]): Measure =>
  measured((update) => ({
    value: squaredDistance(update, observed),
    kept: [],
    slope: (tensor, i) => tf.mul(2, tf.sub(tensor, observed[i]!)),
  }))

/**
 * As half the squared distance of the two directions, which is the same number: near 0, where searches end, 1 − cosine is all
 * rounding. What the guard takes from the direction of `update` is given back, so that zeros have distance 1, not 1/2.
 * Slope: −(b̂ − (1 − D) a / n) / n, with n the length of the update a.
 */
const cosineDistanceTo = (direction: readonly Tensor[]): Measure =>
  measured((update) => {
    const guarded = tf.add(sumOfSquares(update), GUARD)
    const norm = tf.sqrt(guarded)
    const apart = squaredDistance(
      update.map((tensor) => tf.div(tensor, norm)),
      direction,
    )
    const value = tf.mul<tf.Scalar>(0.5, tf.add(apart, tf.div(GUARD, guarded)))
    const perLength = tf.reciprocal(norm)
    return {
      value,
      kept: [tf.mul(tf.sub(1, value), perLength), perLength],
      slope: (tensor, i, [own, length]) =>
        tf.mul(tf.sub(tf.mul(tensor, own!), direction[i]!), length!),
    }
  })
