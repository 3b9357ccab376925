import { makeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { modelOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import type { Model } from '#algorithms/models/model.js'
import { readSafetensors } from './safetensors.js'
import { backboneFromTimm } from './timm-vit.js'

export interface ImportedModel {
  /** Labelled, for a task without classes: a run that starts from it draws its own head. */
  readonly bundle: Bundle
  readonly model: Model
  /** Names of tensors that were left out: the file's own classifier. */
  readonly ignored: readonly string[]
}

/**
 * The backbone in a safetensors file, as a bundle that `startFrom` can name. Its label says which file it came from. Throws
 * `model/unreadable` for other files, `model/does-not-fit` for weights of another model, or a model that none are imported for.
 */
export function importBackbone(
  file: Uint8Array,
  request: { readonly model: RunConfig['model']; readonly inputShape: readonly number[] },
): ImportedModel {
  if (request.model.name !== 'vit') {
    throw new FederationError(
      'model/does-not-fit',
      `Weights are imported for vit, not for ${request.model.name}`,
    )
  }
  const task = { inputShape: [...request.inputShape], classes: [] }
  const model = modelOf({ model: request.model, task })
  const { tensors, ignored } = backboneFromTimm(model, readSafetensors(file))
  const labelled = labelParams(makeBundle(tensors), { model: request.model, task })
  const imported = { format: 'safetensors', layout: 'timm', sha256: sha256(file) }
  return { bundle: { ...labelled, meta: { ...labelled.meta, imported } }, model, ignored }
}
