import type { TensorSpec } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import type { Tensor } from '#algorithms/tensor/tf.js'

/** relu; its smooth twin softplus, for the audit's checks; the exact gelu of transformers. */
export type Activation = 'relu' | 'softplus' | 'gelu'

/** linear: zW + b. normalized: every class vector scaled to length 1, no bias (clsnorm of the ccvr specification §8). */
export type HeadKind = 'linear' | 'normalized'

/** How a parameter is drawn: zeros, ones, normal / uniform with a bound from its fan-in (and fan-out), or as positions are. */
export type Initializer =
  'zeros' | 'ones' | 'he-normal' | 'lecun-normal' | 'glorot-uniform' | 'position'
export interface ParamSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly init: Initializer
}

/**
 * A place where features can be scaled and shifted channel by channel (SSF, https://arxiv.org/abs/2210.08823): behind every
 * linear, convolution and norm op, before its activation. The head has none.
 */
export interface SiteSpec {
  /** Unique in the model. */
  readonly id: string
  /** Size of the last axis. */
  readonly channels: number
  /** The params whose last axis has these channels: scale · and shift + fold into them. */
  readonly fold: { readonly scale: string; readonly shift: string }
}
/** Given the number of a site and the op's output [batch, …, channels], returns what goes on: a tensor of the same shape. */
export type Adapt = (site: number, z: Tensor) => Tensor

/** A step as a layer of Keras, and so of TensorFlow.js, whose weights are the step's params in their order. */
export interface LayerSpec {
  readonly className: string
  /** Without `name`. */
  readonly config: JsonObject
  /** The columns of its one weight are scaled to length 1 first. */
  readonly unitColumns?: true
}

/** One named step of a model. `outputShape` is without the batch dimension. Built from the safe op set, so twice differentiable. */
export interface Block {
  readonly name: string
  readonly params: readonly ParamSpec[]
  readonly inputShape: readonly number[]
  readonly outputShape: readonly number[]
  /** `fold` names params of this block. */
  readonly sites: readonly SiteSpec[]
  /** Absent: there is no such layer. */
  readonly layer?: LayerSpec
  /** params in the order of `params`; x is [batch, ...inputShape]. `adapt` counts this block's sites from 0. */
  forward(params: readonly Tensor[], x: Tensor, adapt: Adapt): Tensor
}

export interface ForwardOptions {
  readonly from?: number
  readonly to?: number
  /** Counts the model's sites. Without it nothing is adapted. */
  readonly adapt?: Adapt
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
  /** Of all blocks in order; `fold` names params of the model. */
  readonly sites: readonly SiteSpec[]
  init(stream: Stream): Float32Array
  /** Runs blocks from ≤ i < to (defaults: all). `params` are all the model's tensors in the order of `params`. */
  forward(params: readonly Tensor[], x: Tensor, options?: ForwardOptions): Tensor
}
