/**
 * Route B of the gifd specification §6.3: the derivative of a matching loss by three ordinary gradients, none inside another.
 * Only for smooth models. An oracle for the exact derivative: it shares neither nested gradients nor our second-order rules.
 */
import type { Distance } from '#algorithms/audit/matching/distance.js'
import { lossGradients } from '#algorithms/audit/matching/local-update.js'
import type { Model } from '#algorithms/models/model.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

export interface RouteB {
  readonly model: Model
  readonly params: readonly Tensor[]
  readonly observed: readonly Tensor[]
  readonly x: Tensor
  readonly y: Tensor
  readonly distance: Distance
  /** Step relative to the params: 1e-3 for cosine, 2e-4 for relative. */
  readonly step: number
}

const dot = (a: readonly Tensor[], b: readonly Tensor[]): number =>
  tf.addN(a.map((tensor, i) => tf.sum(tf.mul(tensor, b[i]!)))).dataSync()[0]!

/** dD/da at `a`, written out by hand. */
function pull(a: readonly Tensor[], g: readonly Tensor[], distance: Distance): readonly Tensor[] {
  const [length, other] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(g, g))]
  if (distance === 'relative') {
    return a.map((tensor, i) => tf.mul(2 / other ** 2, tf.sub(tensor, g[i]!)))
  }
  const product = dot(a, g)
  return a.map((tensor, i) =>
    tf.neg(tf.sub(tf.div(g[i]!, length * other), tf.mul(tensor, product / (length ** 3 * other)))),
  )
}

/** dD/dx of one gradient step without defences. */
export function routeBGradient({ model, params, observed, x, y, distance, step }: RouteB): Tensor {
  const a = lossGradients(model, params, { x, y })
  const v = pull(a, observed, distance)
  const epsilon = (step * Math.sqrt(dot(params, params))) / Math.sqrt(dot(v, v))
  const inputGradient = (sign: number): Tensor => {
    const moved = params.map((param, i) => tf.add(param, tf.mul(sign * epsilon, v[i]!)))
    return tf.grad((input: Tensor) => crossEntropy(model.forward(moved, input), y))(x)
  }
  return tf.div(tf.sub(inputGradient(1), inputGradient(-1)), 2 * epsilon)
}
