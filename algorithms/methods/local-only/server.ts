import { makeBundle, nestBundles, partOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { firstAssets } from '#algorithms/methods/first-params.js'
import { initialParams } from '#algorithms/methods/global-model.js'
import type { ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { paramsBundle } from '#algorithms/models/params.js'

const NOTHING = makeBundle([])

/** Asks for trainings and counts them. The params that all clients began with are its state, so that they can be released. */
export function localOnlyServer(setup: ServerSetup): ServerHalf {
  const { model } = setup
  return {
    init: (startFrom) =>
      stateOf(paramsBundle(model, initialParams(setup, startFrom)), {
        rounds: 0,
        trainings: 0,
      }),
    next: () => ({
      purpose: 'train',
      task: {},
      shared: NOTHING,
      assets: firstAssets(setup),
      uplink: [],
      audience: 'cohort',
    }),
    async close(state, _plan, { reporters }) {
      const { rounds, trainings } = countsIn(state)
      return {
        state: stateOf(partOf(state, 'model'), {
          rounds: rounds + 1,
          trainings: trainings + reporters.length,
        }),
        metrics: {},
      }
    },
    released: (state) => ({ bundle: partOf(state, 'model'), assets: {}, predicts: false }),
  }
}

interface Counts {
  readonly rounds: number
  /** Updates that counted, over all rounds. */
  readonly trainings: number
}
const stateOf = (model: Bundle, counts: Counts): Bundle =>
  nestBundles({ model, counts: makeBundle([], { ...counts }) })

function countsIn(state: Bundle): Counts {
  const { rounds, trainings } = partOf(state, 'counts').meta
  return { rounds: Number(rounds), trainings: Number(trainings) }
}
