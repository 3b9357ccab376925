import { FederationError } from '#protocol/errors.js'
import type { Adapt, Model } from '#algorithms/models/model.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { backboneLayout } from './backbone.js'

/** A model without its head: what turns an input into features. */
export interface Extractor {
  /** Its params: those of the model but the head's, in the same order under the same names. */
  readonly layout: ParamLayout
  /** Features per example. */
  readonly width: number
  /** [batch, ...inputShape] → [batch, width]. `params` in the order of `layout`. */
  features(params: readonly Tensor[], x: Tensor, adapt?: Adapt): Tensor
}

/** Everything of a model but its last block. Throws `model/does-not-fit` for a model that is nothing but a head. */
export function extractorOf(model: Model): Extractor {
  const head = model.blocks.at(-1)
  const [width] = head?.inputShape ?? []
  if (head === undefined || width === undefined || head.inputShape.length !== 1) {
    throw new FederationError('model/does-not-fit', `${model.name} has no features before its head`)
  }
  const last = model.blocks.length - 1
  return {
    layout: backboneLayout(model),
    width,
    features: (tensors, x, adapt) =>
      model.forward(tensors, x, { to: last, ...(adapt === undefined ? {} : { adapt }) }),
  }
}
