import { FederationError } from '#protocol/errors.js'
import type { Adapt, Block, Model } from '#algorithms/models/model.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { backboneLayout, headLayout } from './backbone.js'

/** A model without its head: what turns an input into features. */
export interface Extractor {
  /** Its params: those of the model but the head's, in the same order under the same names. */
  readonly layout: ParamLayout
  /** Features per example. */
  readonly width: number
  /** [batch, ...inputShape] → [batch, width]. `params` in the order of `layout`. */
  features(params: readonly Tensor[], x: Tensor, adapt?: Adapt): Tensor
}

/** The last block of a model alone: what turns features into logits. */
export interface Head {
  /** Its params, under the names they have in the model. */
  readonly layout: ParamLayout
  /** Features per example. */
  readonly width: number
  /** [batch, width] → [batch, classes]. `params` in the order of `layout`. */
  logits(params: readonly Tensor[], features: Tensor): Tensor
}

/** Everything of a model but its last block. Throws `model/does-not-fit` for a model that is nothing but a head. */
export function extractorOf(model: Model): Extractor {
  const { width } = headBlock(model)
  const last = model.blocks.length - 1
  return {
    layout: backboneLayout(model),
    width,
    features: (tensors, x, adapt) =>
      model.forward(tensors, x, { to: last, ...(adapt === undefined ? {} : { adapt }) }),
  }
}

/** A model's head. Throws `model/does-not-fit` for a model that is nothing but a head. */
export function headOf(model: Model): Head {
  const { block, width } = headBlock(model)
  return {
    layout: headLayout(model),
    width,
    logits: (tensors, features) => block.forward(tensors, features, (_site, z) => z),
  }
}

function headBlock(model: Model): { readonly block: Block; readonly width: number } {
  const block = model.blocks.at(-1)
  const [width] = block?.inputShape ?? []
  if (block === undefined || width === undefined || block.inputShape.length !== 1) {
    throw new FederationError('model/does-not-fit', `${model.name} has no features before its head`)
  }
  return { block, width }
}
