import { makeBundle, nestBundles, partOf, tensorsOf, type Bundle } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { deltaGroup, flatOf } from '#algorithms/methods/delta.js'
import { firstAssets } from '#algorithms/methods/first-params.js'
import {
  initialModel,
  modelIn,
  modelParts,
  steppedModel,
  type GlobalModel,
} from '#algorithms/methods/global-model.js'
import type { RoundPlan, ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { summedGroup } from '#algorithms/methods/update.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { architecturesOf } from './architectures.js'
import type { FedD2SHyper } from './hyper.js'
import { scheduleOf } from './schedule.js'
import { taskAt } from './task.js'
import { taskJson, taskOf } from './wire.js'

type Setup = ServerSetup<FedD2SHyper>

/**
 * Profile M (fedd2s specification §8.3): sends the global model G and the cut, averages the students that clients trained from it.
 * Without teachers it is federated averaging.
 */
export function modelsServer(setup: Setup): ServerHalf {
  const { model } = setup
  const architectures = architecturesOf(setup)
  const federation = { architectures, schedule: scheduleOf(setup, architectures) }
  const roundIn = (state: Bundle): number => Number(state.meta['round'])
  return {
    init: (startFrom) => stateOf(setup, 0, initialModel(setup, startFrom)),
    next(state): RoundPlan {
      const task = taskAt(setup, federation, roundIn(state))
      const isAlone = task.cut === null
      return {
        purpose: 'train',
        task: taskJson(task),
        shared: isAlone ? makeBundle([]) : paramsBundle(model, modelIn(setup, state).params),
        assets: firstAssets(setup),
        uplink: isAlone ? [] : [deltaGroup(setup)],
        audience: 'cohort',
      }
    },
    async close(state, plan, folded) {
      const { cut, round } = taskOf(plan.task)
      const global = modelIn(setup, state)
      const isEmpty = cut === null || folded.reporters.length === 0
      const after = isEmpty
        ? global
        : steppedModel(setup, global, flatOf(model, summedGroup(folded, 'delta')))
      const { schedule } = federation
      return {
        state: stateOf(setup, round + 1, after),
        metrics: cut === null ? {} : { cut: schedule.depth(round), stage: schedule.stage(round) },
      }
    },
    released: (state) => ({
      bundle: partOf(state, 'model'),
      assets: firstAssets(setup),
      predicts: false,
    }),
  }
}

/** The one kind of round that sends anything. */
export const modelsUplinks = (setup: Setup): readonly (readonly UplinkGroup[])[] => [
  [deltaGroup(setup)],
]

function stateOf(setup: Setup, round: number, global: GlobalModel): Bundle {
  const nested = nestBundles(modelParts(setup, global))
  return makeBundle(tensorsOf(nested), { ...nested.meta, round })
}
