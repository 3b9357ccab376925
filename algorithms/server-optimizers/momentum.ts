/**
 * Server momentum (FedAvgM): averages the mean deltas of past rounds, so that a round with unusual clients turns the model less.
 *
 * Paper: T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
 *   Classification", 2019, https://arxiv.org/abs/1909.06335
 * Rule:  v ← β v + Δ,   x ← x + η v
 * Symbols: β = `momentum`, η = `learningRate`, v = tensor `velocity` of the state, Δ = `meanDelta`
 * Costs: one model on the coordinator.
 */
import { z } from 'zod'
import { float32Of } from '#protocol/bundle.js'
import type { ServerOptimizerEntry } from '#algorithms/catalogue-entry.js'
import { moments, zeros } from './moments.js'
import { decayOf, serverLearningRate } from './options.js'

const options = z.strictObject({
  learningRate: serverLearningRate(1),
  momentum: decayOf(0.9, 'velocity'),
})

export const momentum: ServerOptimizerEntry<z.infer<typeof options>> = {
  name: 'momentum',
  options,
  build: ({ learningRate, momentum: beta }) => ({
    name: 'momentum',
    init: (parameterCount) => moments({ velocity: zeros(parameterCount) }),
    step(params, meanDelta, state) {
      const velocity = float32Of(state, 'velocity').map((value, i) => beta * value + meanDelta[i]!)
      return {
        params: params.map((value, i) => value + learningRate * velocity[i]!),
        state: moments({ velocity }),
      }
    },
  }),
}
