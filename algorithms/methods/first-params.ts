/**
 * For methods whose clients hold a model from the start: all draw the same one from the run's seed, so that it costs no
 * message; where the run starts from a bundle, that bundle is an asset, which a client fetches once.
 */
import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { takenOver } from '#algorithms/models/backbone.js'
import type { MethodSetup, PlannedAssets, ServerHalf } from './method.js'

const FIRST = 'first'

/** What plans and releases name as assets. */
export const firstAssets = ({ config }: Pick<MethodSetup, 'config'>): PlannedAssets =>
  config.startFrom === null ? {} : { [FIRST]: config.startFrom as Hash }

/**
 * The params that every client begins with. `assets` as a task brings them. Throws `model/does-not-fit` for a bundle of
 * another model, `algorithm/failed` when the asset is missing.
 */
export function firstParams(
  { config, model, streams }: Pick<MethodSetup, 'config' | 'model' | 'streams'>,
  assets: Readonly<Record<string, Bundle>>,
): Float32Array {
  const seeded = model.init(streams('init', 0, 0))
  if (config.startFrom === null) return seeded
  const first = assets[FIRST]
  if (first === undefined)
    throw new FederationError('algorithm/failed', 'The task came without the params to start from')
  return takenOver(model, first, seeded)
}

/** A server half whose training tasks bring what clients need for their first params. */
export const withFirstAssets = (
  setup: Pick<MethodSetup, 'config'>,
  half: ServerHalf,
): ServerHalf => ({
  ...half,
  next(state) {
    const plan = half.next(state)
    return plan === 'done' ? plan : { ...plan, assets: { ...plan.assets, ...firstAssets(setup) } }
  },
})
