/**
 * The update that a client would have made of other records: the client's own rule, written so that it can be differentiated
 * by the records. Gifd specification §12, item 9.
 */
import type { OptimizerConfig } from '#protocol/run-config.js'
import type { PlainTraining } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { buildClientOptimizer } from '#algorithms/training/client-optimizer.js'
import { clipped } from '#algorithms/training/gradient-clip.js'
import { decayed } from '#algorithms/training/weight-decay.js'

export interface LocalRule {
  readonly model: Model
  readonly optimizer: OptimizerConfig
  /** Of the round. */
  readonly learningRate: number
  readonly training: PlainTraining
  /** Steps that are simulated. */
  readonly steps: number
  /** What the movement is divided by to look like one gradient, with the sign turned. */
  readonly scale: number
}

/** dl/dw at `params` for one batch: x [batch, ...inputShape], y [batch, classes], one-hot or soft. Differentiable in all of them. */
export const lossGradients = (
  model: Model,
  params: readonly Tensor[],
  { x, y }: { readonly x: Tensor; readonly y: Tensor },
): Tensor[] =>
  tf.grads((...inner: Tensor[]) => crossEntropy(model.forward(inner, x), y))([...params])

/**
 * −(w_K − w_0) / scale after K steps, each on the whole batch. Its memory grows with K, for every step is kept to be
 * differentiated. Call inside tf.tidy.
 */
export function localUpdate(
  rule: LocalRule,
  start: readonly Tensor[],
  batch: { readonly x: Tensor; readonly y: Tensor },
): Tensor[] {
  const optimizer = buildClientOptimizer(rule.optimizer)
  // The first step of a linear optimizer is η times what it follows, and there is nothing else to divide by `scale`.
  if (rule.steps === 1) return [...ruledGradients(rule, { start, params: start }, batch)]
  // Moved instead of the params: SGD does not see where it is, and a difference of params would lose most of its digits.
  let movement: Tensor[] = start.map((param) => tf.zerosLike(param))
  let state: Tensor[] = optimizer.init(start)
  for (let step = 1; step <= rule.steps; step++) {
    const params = step === 1 ? start : start.map((param, i) => tf.add(param, movement[i]!))
    const gradients = ruledGradients(rule, { start, params }, batch)
    const input = { params: movement, gradients, state, step }
    const moved = optimizer.step({ ...input, learningRate: rule.learningRate })
    movement = moved.params
    state = [...moved.state]
  }
  return movement.map((tensor) => tf.mul(tensor, -1 / rule.scale))
}

/** What one step follows: the method's adjustment, clipping and weight decay, in the order of local training. */
function ruledGradients(
  { model, optimizer, training }: LocalRule,
  { start, params }: { readonly start: readonly Tensor[]; readonly params: readonly Tensor[] },
  batch: { readonly x: Tensor; readonly y: Tensor },
): readonly Tensor[] {
  const gradients = lossGradients(model, params, batch)
  const adjusted = training.adjustGradients?.(gradients, params, start) ?? gradients
  return decayed(clipped(adjusted, optimizer.gradientClip), params, optimizer)
}
