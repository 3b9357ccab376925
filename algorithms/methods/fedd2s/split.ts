/** A model in two parts at a tap: what participates, and the head above it (fedd2s specification §3). */
import { FederationError } from '#protocol/errors.js'
import type { Model } from '#algorithms/models/model.js'
import { layoutAbove, type Tap } from '#algorithms/models/taps.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import type { Tensor } from '#algorithms/tensor/tf.js'

/** The tap of this name. Throws `message/malformed` when it is not one of them. */
export function cutAt(cuts: readonly Tap[], name: string): Tap {
  const cut = cuts.find((one) => one.name === name)
  if (cut !== undefined) return cut
  const known = cuts.map((one) => one.name).join(', ')
  throw new FederationError('message/malformed', `There is no cut ${name}; there are ${known}`)
}

/** f^{≤ℓ}: [batch, ...inputShape] → [batch, ...tap.shape]. `params` are those of the whole model. */
export const belowCut = (
  model: Model,
  tap: Tap,
  { params, x }: { readonly params: readonly Tensor[]; readonly x: Tensor },
): Tensor => model.forward(params, x, { to: tap.blocks })

/** f^{>ℓ}: [batch, ...tap.shape] → logits. `params` are those of the whole model, or the last ones: those above the tap. */
export function aboveCut(
  model: Model,
  tap: Tap,
  { params, z }: { readonly params: readonly Tensor[]; readonly z: Tensor },
): Tensor {
  const missing = model.params.length - params.length
  const own = missing === 0 ? params : [...new Array<Tensor>(missing), ...params]
  return model.forward(own, z, { from: tap.blocks })
}

/** g^{>ℓ} alone: blocks above a cut. */
export interface Head {
  readonly layout: ParamLayout
  /** What enters, without the batch dimension. */
  readonly inputShape: readonly number[]
  /** [batch, ...inputShape] → logits. `params` in the order of `layout`. */
  logits(params: readonly Tensor[], z: Tensor): Tensor
}

export const headAbove = (model: Model, tap: Tap): Head => ({
  layout: layoutAbove(model, tap),
  inputShape: tap.shape,
  logits: (params, z) => aboveCut(model, tap, { params, z }),
})
