import { createStreams, type Stream } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

type Op = (...inputs: Tensor[]) => Tensor
export interface DerivativeErrors {
  readonly first: number
  readonly second: number
}

/**
 * Relative errors of the first and second derivative of J(x) = Σ w · op(x)² (random w; the square keeps the second derivative of
 * linear ops from vanishing) against central differences along random directions:
 *
 *   first:   <∇J, v>            against  (J(x + hv) − J(x − hv)) / 2h
 *   second:  <∇<∇J, u>, v>      against  <∇J(x + hv) − ∇J(x − hv), u> / 2h
 *
 * Relative to the size that such a product has for a random direction, so a product that happens to be near zero does no harm.
 */
export function derivativeErrors(op: Op, inputs: readonly Tensor[], step = 4e-3): DerivativeErrors {
  const stream = createStreams(17)('test/derivatives', 0, 0)
  const sizes = inputs.map((x) => x.size)
  const [u, v] = [directions(stream, sizes), directions(stream, sizes)]
  const outputSize = tf.tidy(() => op(...inputs).size)
  const w = Float32Array.from({ length: outputSize }, () => 0.5 + stream.uniform())

  const objective: Op = (...xs) => {
    const y = op(...xs)
    return tf.sum(tf.mul(tf.tensor(w, y.shape), tf.square(y)))
  }
  const gradient = (xs: readonly Tensor[]): Float32Array[] =>
    tf.tidy(() =>
      tf
        .grads(objective)([...xs])
        .map(valuesOf),
    )
  // Summed in float64, else rounding of the sum would drown the difference.
  const value = (xs: readonly Tensor[]): number =>
    valuesOf(tf.tidy(() => op(...xs))).reduce((all, y, i) => all + w[i]! * y * y, 0)
  const moved = (sign: number): Tensor[] =>
    inputs.map((x, i) =>
      tf.add(
        x,
        tf.tensor(
          v[i]!.map((d) => sign * step * d),
          x.shape,
        ),
      ),
    )

  const result: DerivativeErrors[] = []
  tf.tidy(() => {
    const [plus, minus] = [moved(1), moved(-1)]
    const atX = gradient(inputs)
    const second = tf
      .grads((...xs: Tensor[]) => {
        const inner = tf.grads(objective)(xs)
        return tf.addN(inner.map((g, i) => tf.sum(tf.mul(g, tf.tensor(u[i]!, g.shape)))))
      })([...inputs])
      .map(valuesOf)
    const [after, before] = [gradient(plus), gradient(minus)]
    const difference = after.map((g, i) =>
      g.map((value, j) => (value - before[i]![j]!) / (2 * step)),
    )
    result.push({
      first: relative(dot(atX, v), (value(plus) - value(minus)) / (2 * step), norm(atX)),
      second: relative(dot(second, v), dot(difference, u), norm(second)),
    })
  })
  return result[0]!
}

const valuesOf = (x: Tensor): Float32Array => Float32Array.from(x.dataSync())
const directions = (stream: Stream, sizes: readonly number[]): Float32Array[] =>
  sizes.map((size) => Float32Array.from({ length: size }, () => (stream.uniform() < 0.5 ? -1 : 1)))
const dot = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.reduce((all, x, i) => all + x.reduce((sum, value, j) => sum + value * b[i]![j]!, 0), 0)
const norm = (a: readonly Float32Array[]): number => Math.sqrt(dot(a, a))
const relative = (got: number, expected: number, scale: number): number =>
  Math.abs(got - expected) / Math.max(scale, 1e-6)

/** Values between 0.3 and 1.3 in size, of either sign: away from the kinks of relu and abs. */
export const awayFromZero = (seed: number, ...shape: number[]): Tensor => {
  const stream = createStreams(seed)('test/away-from-zero', 0, 0)
  const draw = () => (0.3 + stream.uniform()) * (stream.uniform() < 0.5 ? -1 : 1)
  return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, draw), shape)
}
export const positive = (seed: number, ...shape: number[]): Tensor =>
  tf.tidy(() => tf.abs(awayFromZero(seed, ...shape)))

/** Distinct values, at least 0.05 apart, in random order: away from the ties of max and of max pooling. */
export const distinct = (seed: number, ...shape: number[]): Tensor => {
  const size = tf.util.sizeFromShape(shape)
  const values = Float32Array.from({ length: size }, (_, i) => 0.05 * (i - size / 2) + 0.01)
  return tf.tensor(createStreams(seed)('test/distinct', 0, 0).shuffle(values), shape)
}
