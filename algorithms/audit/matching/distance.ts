/** How far an update is from the observed one. Gifd specification §5.1. */
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { lengthOf } from './length.js'

/**
 * cosine: 1 − ⟨a, b⟩ / (‖a‖ ‖b‖) over all tensors as one vector, from 0 to 2; blind to the length of either. relative: the
 * squared distance by the square of the observed update, blind to a common length (§5.3).
 */
export type Distance = 'cosine' | 'relative'

/** Distances to one observed update, whose direction and length are kept until `dispose`. */
export interface DistanceTo {
  /** As many tensors as were observed, of the same shapes. Call inside tf.tidy. */
  from(update: readonly Tensor[], distance: Distance): tf.Scalar
  dispose(): void
}

const squaredDistance = (a: readonly Tensor[], b: readonly Tensor[]): tf.Scalar =>
  tf.addN(a.map((tensor, i) => tf.sum<tf.Scalar>(tf.squaredDifference(tensor, b[i]!))))

export function distanceTo(observed: readonly Tensor[]): DistanceTo {
  const [perLength, ...direction] = tf.tidy((): [tf.Scalar, ...Tensor[]] => {
    const { norm } = lengthOf(observed)
    return [tf.reciprocal(norm), ...observed.map((tensor) => tf.div(tensor, norm))]
  })
  const to = {
    cosine: cosineDistanceTo(direction),
    relative: relativeDistanceTo(direction, perLength),
  }
  return {
    from: (update, distance) => to[distance](update),
    dispose: () => tf.dispose([...direction, perLength]),
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

/** Of the two updates by the length of the observed one, which is divided by before anything is squared. */
const relativeDistanceTo = (direction: readonly Tensor[], perLength: tf.Scalar): Measure =>
  measured((update) => ({
    value: squaredDistance(
      update.map((tensor) => tf.mul(tensor, perLength)),
      direction,
    ),
    kept: [],
    slope: (tensor, i) =>
      tf.mul(tf.mul(2, perLength), tf.sub(tf.mul(tensor, perLength), direction[i]!)),
  }))

/**
 * As half the squared distance of the two directions, which is the same number: near 0, where searches end, 1 − cosine is all
 * rounding. Zeros have no direction: their distance is 1, and they have no slope. Elsewhere the slope is
 * −(b̂ − (1 − D) a / n) / n, with n the length of the update a.
 */
const cosineDistanceTo = (direction: readonly Tensor[]): Measure =>
  measured((update) => {
    const { norm, isZero } = lengthOf(update)
    const apart = squaredDistance(
      update.map((tensor) => tf.div(tensor, norm)),
      direction,
    )
    const value = tf.mul<tf.Scalar>(0.5, tf.add(apart, isZero))
    const perLength = tf.div(tf.sub(1, isZero), norm)
    return {
      value,
      kept: [tf.mul(tf.sub(1, value), perLength), perLength],
      slope: (tensor, i, [own, length]) =>
        tf.mul(tf.sub(tf.mul(tensor, own!), direction[i]!), length!),
    }
  })
