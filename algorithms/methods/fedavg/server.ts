import { nestBundles } from '#protocol/bundle.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { deltaGroup, flatOf } from '#algorithms/methods/delta.js'
import {
  adoptedModel,
  initialModel,
  modelIn,
  modelParts,
  releasedModel,
  steppedModel,
} from '#algorithms/methods/global-model.js'
import type { ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { summedGroup } from '#algorithms/methods/update.js'

/** Sends the params, averages the deltas, takes one step of the server optimizer. */
export function fedavgServer(setup: ServerSetup): ServerHalf {
  const { model } = setup
  return {
    init: (startFrom) => nestBundles(modelParts(setup, initialModel(setup, startFrom))),
    next: (state) => ({
      purpose: 'train',
      task: {},
      shared: paramsBundle(model, modelIn(setup, state).params),
      assets: {},
      uplink: [deltaGroup(setup)],
      audience: 'cohort',
    }),
    async close(state, _plan, folded) {
      const meanDelta = flatOf(model, summedGroup(folded, 'delta'))
      const stepped = steppedModel(setup, modelIn(setup, state), meanDelta)
      return { state: nestBundles(modelParts(setup, stepped)), metrics: {} }
    },
    released: releasedModel,
    adopt: adoptedModel,
  }
}
