import { extractorOf } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import { crossEntropy, softplus, unitVectors } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Objective } from '#algorithms/training/objective.js'
import type { MoonHyper } from './hyper.js'

export interface Contrast extends MoonHyper {
  /** The received extractor, in the order of its layout. */
  readonly received: readonly Tensor[]
  /** The client's own extractor of last time. */
  readonly previous: readonly Tensor[]
}

/**
 * Cross-entropy + mu · contrast over the params of the whole model. With cosines g and p of the features to those of the
 * received and the previous extractor, −log(e^(g/τ) / (e^(g/τ) + e^(p/τ))) = softplus((p − g) / τ), which no size of the
 * cosines overflows. Features of zeros have cosine 0 to all.
 */
export function contrastive(model: Model, contrast: Contrast): Objective {
  const { received, previous, mu, temperature } = contrast
  const extractor = extractorOf(model)
  const head = model.blocks.length - 1
  const { name, params, parameterCount } = model
  return {
    ...{ name, params, parameterCount, tallies: [] },
    on({ x, y }) {
      const [towards, from] = [received, previous].map((fixed) =>
        unitVectors(extractor.features(fixed, x)),
      ) as [Tensor, Tensor]
      const away = tf.div(tf.sub(from, towards), temperature)
      return {
        loss(moving) {
          const z = extractor.features(moving, x)
          const ce = crossEntropy(model.forward(moving, z, { from: head }), y)
          const term = tf.mean(softplus(tf.sum(tf.mul(unitVectors(z), away), -1)))
          return tf.add<tf.Scalar>(ce, tf.mul(mu, term))
        },
      }
    },
  }
}
