import type { TensorSpec } from '#protocol/bundle.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import type { Tensor } from '#algorithms/tensor/tf.js'

export type Activation = 'relu' | 'softplus'

/** How a parameter is drawn: zeros, or normal / uniform with a bound from its fan-in (and fan-out). */
export type Initializer = 'zeros' | 'ones' | 'he-normal' | 'glorot-uniform'
export interface ParamSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly init: Initializer
}

/** One named step of a model. `outputShape` is without the batch dimension. Built from the safe op set, so twice differentiable. */
export interface Block {
  readonly name: string
  readonly params: readonly ParamSpec[]
  readonly inputShape: readonly number[]
  readonly outputShape: readonly number[]
  /** params in the order of `params`; x is [batch, ...inputShape]. */
  forward(params: readonly Tensor[], x: Tensor): Tensor
}

/**
 * An ordered list of blocks from a batch of inputs to logits. The last block is the head: features enter it, logits leave it.
 * Params live as one flat Float32Array in the order of `params` (block by block, names `block/param`).
 */
export interface Model {
  readonly name: string
  readonly inputShape: readonly number[]
  readonly classes: number
  readonly blocks: readonly Block[]
  readonly params: readonly TensorSpec[]
  readonly parameterCount: number
  init(stream: Stream): Float32Array
  /** Runs blocks from ≤ i < to (defaults: all). `params` are all the model's tensors in the order of `params`. */
  forward(
    params: readonly Tensor[],
    x: Tensor,
    range?: { readonly from?: number; readonly to?: number },
  ): Tensor
}
