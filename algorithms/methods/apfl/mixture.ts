import type { MethodSetup, PerformInput } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import type { Objective } from '#algorithms/training/objective.js'
import { learningRateAt } from '#algorithms/training/schedule.js'

export type ApflSetup = MethodSetup<{ readonly alpha: number; readonly adaptive: boolean }>

/** v̄ = alpha · own + (1 − alpha) · shared. */
export interface Mixture {
  /** In 0 … 1. */
  readonly alpha: number
  readonly own: Float32Array
  readonly shared: Float32Array
}

/** The full set of params that the client predicts with. */
export const mixedParams = ({ alpha, own, shared }: Mixture): Float32Array =>
  own.map((value, i) => alpha * value + (1 - alpha) * shared[i]!)

/** The same of tensors. */
const mixed = (
  alpha: number | tf.Scalar,
  own: readonly Tensor[],
  shared: readonly Tensor[],
): readonly Tensor[] => {
  const rest = tf.sub(1, alpha)
  return own.map((value, i) => tf.add(tf.mul(value, alpha), tf.mul(shared[i]!, rest)))
}

/**
 * F(w) + F(alpha · v + (1 − alpha) · w) over the params of both models, w first. To the second term w is a constant: what it
 * adds to the gradient is alpha · ∇F(v̄) for v, and nothing for w.
 */
export function sideBySide(model: Model, alpha: number): Objective {
  const count = model.params.length
  const named = (kind: string) =>
    model.params.map((spec) => ({ ...spec, name: `${kind}/${spec.name}` }))
  return {
    name: `${model.name} beside another`,
    params: [...named('shared'), ...named('own')],
    parameterCount: 2 * model.parameterCount,
    tallies: [],
    on({ x, y }, params) {
      // Not the tensors that are differentiated themselves.
      const constant = params.slice(0, count).map((param) => tf.clone(param))
      return {
        loss(moving) {
          const mixture = mixed(alpha, moving.slice(count), constant)
          return tf.add<tf.Scalar>(
            crossEntropy(model.forward(moving.slice(0, count), x), y),
            crossEntropy(model.forward(mixture, x), y),
          )
        },
      }
    },
  }
}

/**
 * alpha after its step of the round: alpha − η ⟨v − w, ∇F(v̄; ξ)⟩, held in 0 … 1. ξ is one batch of the stream `apfl-alpha` of
 * this round and slot. As v = w before anything was trained, it stays as it is then.
 */
export async function adapted(
  { model, config: { training, rounds }, streams }: ApflSetup,
  { alpha, own, shared }: Mixture,
  { round, slot, data }: Pick<PerformInput, 'round' | 'slot' | 'data'>,
): Promise<number> {
  const order = Int32Array.from({ length: data.train.indices.length }, (_, i) => i)
  streams('apfl-alpha', round, slot).shuffle(order)
  const slope = tf.tidy(() => {
    const { x, y } = batchOf(data.train, order.subarray(0, training.batchSize))
    const [v, w] = [toTensors(model, own), toTensors(model, shared)]
    // The chain rule makes this the inner product of the paper.
    const loss = (share: Tensor) =>
      crossEntropy(model.forward(mixed(share as tf.Scalar, v, w), x), y)
    return tf.grad(loss)(tf.scalar(alpha))
  })
  const [gradient = Number.NaN] = await slope.data()
  slope.dispose()
  const step = learningRateAt(training.optimizer, { round, rounds })
  return Math.min(1, Math.max(0, alpha - step * gradient))
}
