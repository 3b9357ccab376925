import type { Bundle } from '#protocol/bundle.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { Examples } from '#data/dataset.js'
import { featurePowerOf } from '#algorithms/models/feature-power.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { geometryOfFeatures } from './geometry.js'
import { columnNorms, headVectors } from './head-norms.js'
import { featuresOf, inputsOf } from './layers.js'

/**
 * What a released model shows by itself: lengths of its head's class vectors, and where features of the probe lie as they
 * enter it. Needs a backend.
 */
export async function describeModel(
  model: Model,
  released: Bundle,
  probe: Examples,
): Promise<Required<Pick<Diagnostics, 'headNorms' | 'geometry'>>> {
  const params = paramsOf(model, released)
  const head = headVectors(model, params)
  const power = featurePowerOf(released)
  const inputs = inputsOf(probe)
  try {
    const features = await featuresOf({ model, params, inputs, power }, probe)
    return {
      headNorms: columnNorms(head, model.classes),
      geometry: await geometryOfFeatures(features, head),
    }
  } finally {
    tf.dispose(inputs)
  }
}
