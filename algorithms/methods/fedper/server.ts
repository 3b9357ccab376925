import { nestBundles, partOf } from '#protocol/bundle.js'
import { deltaGroup, flatOf } from '#algorithms/methods/delta.js'
import { firstAssets } from '#algorithms/methods/first-params.js'
import {
  initialParams,
  modelIn,
  modelParts,
  steppedModel,
} from '#algorithms/methods/global-model.js'
import type { ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { summedGroup } from '#algorithms/methods/update.js'
import type { FedPerHyper } from './hyper.js'
import { layersOf } from './layers.js'

/** As FedAvg's, of the base alone. What clients put on top of it at first, all draw alike. */
export function fedperServer(setup: ServerSetup<FedPerHyper>): ServerHalf {
  const { config, meanGrid, serverOptimizer } = setup
  const { base } = layersOf(setup)
  const averaged = { config, meanGrid, serverOptimizer, model: base }
  const assets = firstAssets(setup)
  return {
    init: (startFrom) =>
      nestBundles(
        modelParts(averaged, {
          params: initialParams(setup, startFrom).subarray(0, base.parameterCount),
          optimizer: serverOptimizer.init(base.parameterCount),
        }),
      ),
    next: (state) => ({
      purpose: 'train',
      task: {},
      shared: partOf(state, 'model'),
      assets,
      uplink: [deltaGroup(averaged)],
      audience: 'cohort',
    }),
    async close(state, _plan, folded) {
      const meanDelta = flatOf(base, summedGroup(folded, 'delta'))
      const stepped = steppedModel(averaged, modelIn(averaged, state), meanDelta)
      return { state: nestBundles(modelParts(averaged, stepped)), metrics: {} }
    },
    released: (state) => ({ bundle: partOf(state, 'model'), assets, predicts: false }),
  }
}
