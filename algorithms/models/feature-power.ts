/**
 * A power between features and head, z ↦ max(z, 0)^β, as a part of a model that its description does not have: what a
 * calibration with transform tukey-input makes (ccvr specification §3). The bundle of its params says so in its meta.
 */
import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

const KEY = 'featurePower'

/** The same params for features to the power of `power`, in (0, 1]. */
export const withFeaturePower = (params: Bundle, power: number): Bundle => ({
  ...params,
  meta: { ...params.meta, [KEY]: power },
})

/** null: features enter the head as they are. Throws `model/unreadable` where the bundle names something else. */
export function featurePowerOf({ meta }: Pick<Bundle, 'meta'>): number | null {
  const power = meta[KEY]
  if (power === undefined) return null
  if (typeof power === 'number' && power > 0 && power <= 1) return power
  throw new FederationError(
    'model/unreadable',
    `The bundle names ${JSON.stringify(power)} as the power of its features, which is none`,
  )
}

/** Call inside tf.tidy. */
export const powered = (features: Tensor, power: number): Tensor => tf.pow(tf.relu(features), power)

/** Throws `model/does-not-fit` for params whose head expects features to a power: training knows no such layer. */
export function assertPlainFeatures(params: Bundle): void {
  const power = featurePowerOf(params)
  if (power === null) return
  throw new FederationError(
    'model/does-not-fit',
    `The bundle was calibrated with transform tukey-input: its head expects features to the power of ${power}, which no training does; start from the model before its calibration`,
  )
}
