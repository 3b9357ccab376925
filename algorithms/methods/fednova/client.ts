import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { sharedPredictor } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup } from '#algorithms/methods/method.js'
import { trainProximally } from '#algorithms/methods/proximal.js'
import { learningRateAt } from '#algorithms/training/schedule.js'
import { normalizerOf } from './normalizer.js'

/** Sends the delta per unit of local progress, and how much progress that was. */
export function fednovaClient(setup: MethodSetup<{ readonly mu: number }>): ClientHalf {
  const { config, model, hyper } = setup
  const { optimizer } = config.training
  return {
    async perform(input) {
      const { start, params, steps, loss, weight } = await trainProximally(setup, input, hyper)
      const learningRate = learningRateAt(optimizer, { round: input.round, rounds: config.rounds })
      const normalizer = normalizerOf({
        steps,
        momentum: optimizer.momentum,
        proximalRate: learningRate * hyper.mu,
      })
      const direction = difference(params, start).map((value) => value / normalizer)
      return {
        update: {
          delta: namedTensors(model, direction),
          steps: [
            { name: 'normalizer', shape: [1], dtype: 'float64', data: Float64Array.of(normalizer) },
          ],
        },
        weight,
        metrics: { loss, steps },
        pending: input.memory,
        local: params,
      }
    },
    predictor: sharedPredictor(setup),
  }
}
