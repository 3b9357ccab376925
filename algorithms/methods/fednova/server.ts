import { nestBundles } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { coarseGridFor, largestCohort } from '#algorithms/aggregators/grid.js'
import { flatOf } from '#algorithms/methods/delta.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import { modelIn, modelParts, steppedModel } from '#algorithms/methods/global-model.js'
import type { ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { scalarOf, summedGroup } from '#algorithms/methods/update.js'

/** FedAvg's server, asking for the normalizer too, and stretching the mean direction by it. */
export function fednovaServer(setup: ServerSetup): ServerHalf {
  const { model } = setup
  const fedavg = fedavgServer(setup)
  return {
    ...fedavg,
    next: (state) => {
      const plan = fedavg.next(state)
      return plan === 'done' ? plan : { ...plan, uplink: [...plan.uplink, stepsGroup(setup)] }
    },
    async close(state, _plan, folded) {
      const steps = scalarOf(summedGroup(folded, 'steps'), 'normalizer')
      const meanDelta = flatOf(model, summedGroup(folded, 'delta')).map((value) => value * steps)
      const stepped = steppedModel(setup, modelIn(setup, state), meanDelta)
      return { state: nestBundles(modelParts(setup, stepped)), metrics: { effectiveSteps: steps } }
    },
  }
}

function stepsGroup({ config }: ServerSetup): UplinkGroup {
  const { maxExamples, weighting } = config.aggregation
  const { localEpochs, batchSize, optimizer } = config.training
  const mostSteps = localEpochs * Math.ceil(maxExamples / batchSize)
  const limits = {
    maxMembers: largestCohort(config),
    maxExamples,
    // Heavy-ball momentum stretches a step's weight up to 1 / (1 − momentum).
    maxAbs: mostSteps / (1 - optimizer.momentum),
  }
  return {
    name: 'steps',
    tensors: [{ name: 'normalizer', shape: [1], dtype: 'float64' }],
    reduce: 'mean',
    weight: weighting,
    grid: coarseGridFor(limits),
    privacyClass: 'metrics',
    maxBytes: Float64Array.BYTES_PER_ELEMENT,
  }
}
