import type { Diagnostics } from '#protocol/diagnostics.js'
import type { Examples } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import { tf } from '#algorithms/tensor/tf.js'
import { geometryOfFeatures } from './geometry.js'
import { columnNorms, headVectors } from './head-norms.js'
import { featuresOf, inputsOf } from './layers.js'

/** What one model shows by itself: lengths of its head's class vectors, and where features of the probe lie. Needs a backend. */
export async function describeModel(
  model: Model,
  params: Float32Array,
  probe: Examples,
): Promise<Required<Pick<Diagnostics, 'headNorms' | 'geometry'>>> {
  const head = headVectors(model, params)
  const inputs = inputsOf(probe)
  try {
    const features = await featuresOf({ model, params, inputs }, probe)
    return {
      headNorms: columnNorms(head, model.classes),
      geometry: await geometryOfFeatures(features, head),
    }
  } finally {
    tf.dispose(inputs)
  }
}
