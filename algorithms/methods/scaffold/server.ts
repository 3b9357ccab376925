import { nestBundles, partOf } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { coarseGridFor, largestCohort } from '#algorithms/aggregators/grid.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
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
import { sharedWithVariate } from './shared.js'

/** Larger than any gradient worth averaging; it only fixes the grid (27 bits after the point for 10,000 members). */
const LARGEST_VARIATE = 4096

/** FedAvg's server that also sends its control variate and moves it by the clients' changes. */
export function scaffoldServer(setup: ServerSetup): ServerHalf {
  const { model } = setup
  return {
    init: (startFrom) =>
      nestBundles({
        ...modelParts(setup, initialModel(setup, startFrom)),
        variate: paramsBundle(model, new Float32Array(model.parameterCount)),
      }),
    next: (state) => ({
      purpose: 'train',
      task: {},
      shared: sharedWithVariate(partOf(state, 'model'), partOf(state, 'variate')),
      assets: {},
      uplink: [deltaGroup(setup), variateGroup(setup)],
      audience: 'cohort',
    }),
    async close(state, _plan, folded) {
      const meanDelta = flatOf(model, summedGroup(folded, 'delta'))
      const changes = flatOf(model, summedGroup(folded, 'variate'))
      const variate = paramsOf(model, partOf(state, 'variate')).map(
        (value, i) => value + changes[i]! / folded.population,
      )
      const stepped = steppedModel(setup, modelIn(setup, state), meanDelta)
      return {
        state: nestBundles({
          ...modelParts(setup, stepped),
          variate: paramsBundle(model, variate),
        }),
        metrics: {},
      }
    },
    released: releasedModel,
    adopt: adoptedModel,
  }
}

function variateGroup({ config, model }: ServerSetup): UplinkGroup {
  return {
    name: 'variate',
    tensors: model.params,
    reduce: 'sum',
    weight: 'none',
    grid: coarseGridFor({
      maxMembers: largestCohort(config),
      maxExamples: 1,
      maxAbs: LARGEST_VARIATE,
    }),
    privacyClass: 'control-variate',
    maxBytes: model.parameterCount * Float32Array.BYTES_PER_ELEMENT,
  }
}
