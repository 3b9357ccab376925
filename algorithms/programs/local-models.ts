/** The group by which clients send their whole local model, for comparisons before it is averaged. */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'

export const LOCAL_MODEL = 'local-model'

/** A gather group of the model's params: as private as the delta, of which it is the sum with what everyone knows. */
export const localModelGroup = (model: Model): UplinkGroup => ({
  name: LOCAL_MODEL,
  tensors: model.params,
  reduce: 'gather',
  weight: 'none',
  grid: null,
  privacyClass: 'model-delta',
  maxBytes: model.parameterCount * Float32Array.BYTES_PER_ELEMENT,
})

/** Throws `algorithm/failed` for a method whose clients have no full set of params of their own. */
export function localModelTensors(
  { config, model }: Pick<MethodSetup, 'config' | 'model'>,
  local: Float32Array | undefined,
): readonly NamedTensor[] {
  if (local !== undefined) return namedTensors(model, local)
  throw new FederationError(
    'algorithm/failed',
    `The clients of ${config.method.name} have no local model to send`,
  )
}
