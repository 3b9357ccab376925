import { makeBundle, nestBundles, partOf, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { firstParams } from '#algorithms/methods/first-params.js'
import { keepingTraining } from '#algorithms/methods/kept-training.js'
import { sharedPredictor, trainFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PerformInput } from '#algorithms/methods/method.js'
import { ownModel, ownPredictor } from '#algorithms/methods/own-model.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { clipped } from '#algorithms/training/gradient-clip.js'
import { adapted, mixedParams, sideBySide, type ApflSetup, type Mixture } from './mixture.js'

/** Trains the received params for the federation and, in the same steps, its own part of the mixture. */
export function apflClient(setup: ApflSetup): ClientHalf {
  const { model, hyper } = setup
  return keepingTraining({
    async perform(input) {
      const received = paramsOf(model, input.shared)
      const before = mixtureIn(setup, input)
      const alpha = hyper.adaptive
        ? await adapted(setup, { ...before, shared: received }, input)
        : before.alpha
      const { shared, own, ...trained } = await trainBoth(setup, input, {
        ...{ alpha, own: before.own, shared: received },
      })
      return {
        update: { delta: namedTensors(model, difference(shared, received)) },
        weight: trained.weight,
        metrics: { loss: trained.loss, steps: trained.steps, 'personal/alpha': alpha },
        pending: memoryOf(setup, { alpha, own, shared }),
        local: shared,
      }
    },
    predictor: ownPredictor(setup, sharedPredictor(setup)),
    personalModel: ownModel(setup),
  })
}

/** Both models in one training, so that the same batches move them in the same steps. */
async function trainBoth(setup: ApflSetup, input: PerformInput, { alpha, own, shared }: Mixture) {
  const { config, model } = setup
  const { gradientClip, ...optimizer } = config.training.optimizer
  // Clipping the two together would let the local model slow down the shared one.
  const training = { ...config.training, optimizer: { ...optimizer, gradientClip: null } }
  const start = new Float32Array(2 * model.parameterCount)
  start.set(shared)
  start.set(own, model.parameterCount)
  const count = model.params.length
  const trained = await trainFrom({ ...setup, config: { ...config, training } }, input, {
    start,
    objective: sideBySide(model, alpha),
    adjustGradients: (gradients) => [
      ...clipped(gradients.slice(0, count), gradientClip),
      ...clipped(gradients.slice(count), gradientClip),
    ],
  })
  return {
    ...trained,
    shared: trained.params.slice(0, model.parameterCount),
    own: trained.params.slice(model.parameterCount),
  }
}

const OWN = 'own'

function mixtureIn(
  setup: ApflSetup,
  { memory, assets }: PerformInput,
): Pick<Mixture, 'alpha' | 'own'> {
  if (memory === null) return { alpha: setup.hyper.alpha, own: firstParams(setup, assets) }
  return {
    alpha: Number(memory.meta['alpha']),
    own: paramsOf(setup.model, partOf(memory, OWN)),
  }
}

/** What the client predicts with under the names of the model, its own part of that beside it. */
function memoryOf({ model }: ApflSetup, mixture: Mixture): Bundle {
  const own = nestBundles({ [OWN]: paramsBundle(model, mixture.own) })
  const mixed = paramsBundle(model, mixedParams(mixture))
  return makeBundle([...tensorsOf(mixed), ...tensorsOf(own)], {
    ...own.meta,
    alpha: mixture.alpha,
  })
}
