import type { TensorSpec } from '#protocol/bundle.js'
import type { Model } from '#algorithms/models/model.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import type { tf } from '#algorithms/tensor/tf.js'
import { type Tensor } from '#algorithms/tensor/tf.js'
import type { Batch } from './batch.js'

/** The loss of one batch. */
export interface StepLoss {
  /** A mean over the batch. Differentiated in every one of `params`. */
  readonly loss: (params: readonly Tensor[]) => tf.Scalar
  /** What this batch adds to the objective's tallies, in their order; none: nothing. */
  readonly tallies?: readonly Tensor[]
}

/** What a local training makes small, and in which tensors. */
export interface Objective {
  readonly name: string
  /** The tensors that move, in the order of the flat array. */
  readonly params: readonly TensorSpec[]
  readonly parameterCount: number
  /** Sums over all steps that the result should tell. */
  readonly tallies: readonly Pick<TensorSpec, 'name' | 'shape'>[]
  /**
   * Called inside tf.tidy before each step, outside of what is differentiated: what depends on the params but has no
   * gradient (a choice of entries) is decided here. `params` are the tensors that will be differentiated: the loss may take
   * some of them for constants only as clones made here.
   */
  on(batch: Batch, params: readonly Tensor[]): StepLoss
}

/** The cross-entropy of the whole model, in nats. */
export const wholeModel = (model: Model): Objective => ({
  name: model.name,
  params: model.params,
  parameterCount: model.parameterCount,
  tallies: [],
  on: ({ x, y }) => ({
    loss: (params) => crossEntropy(model.forward(params, x), y) as tf.Scalar,
  }),
})
