/**
 * FedNova: clients that take more local steps no longer pull the mean towards their own optimum. Each sends its movement per
 * unit of local progress; the mean direction is stretched by the mean progress.
 *
 * Paper: J. Wang, Q. Liu, H. Liang, G. Joshi, H. V. Poor, "Tackling the Objective Inconsistency Problem in Heterogeneous
 *   Federated Optimization", NeurIPS 2020, https://arxiv.org/abs/2007.07481
 * Rule:  client k: d_k = (w_k − w) / ‖a_k‖₁
 *        server:   w ← w + τ_eff · Σ p_k d_k,   τ_eff = Σ p_k ‖a_k‖₁,   p_k = n_k / Σ n_j
 *        With equal ‖a_k‖₁ this is FedAvg.
 * Symbols: d_k = group `delta`, ‖a_k‖₁ = group `steps` (`normalizer.ts`; the number of steps for plain SGD), n_k = `weight`,
 *   τ_eff = metric `effectiveSteps`, μ of an optional proximal pull = `mu`
 * Costs: as FedAvg, and 8 bytes up.
 */
import { z } from 'zod'
import type { Method } from '#algorithms/methods/method.js'
import { proximalGradients } from '#algorithms/methods/proximal.js'
import { learningRateAt } from '#algorithms/training/schedule.js'
import { fednovaClient } from './client.js'
import { normalizerOf } from './normalizer.js'
import { fednovaServer } from './server.js'

const hyper = z.strictObject({
  mu: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe('Strength of the pull towards the received params'),
})

export const fednova: Method<z.infer<typeof hyper>> = {
  name: 'fednova',
  hyper,
  releases: 'model',
  requires: ({ training, method }) => [
    ...(training.optimizer.name === 'sgd'
      ? []
      : ['fednova knows how far plain SGD and momentum move; set training.optimizer.name to sgd']),
    ...(Number(method['mu'] ?? 0) * training.optimizer.learningRate < 1
      ? []
      : ['fednova needs method.mu × training.optimizer.learningRate below 1; lower one of them']),
  ],
  server: fednovaServer,
  client: fednovaClient,
  plainTraining({ hyper: { mu }, config: { training, rounds } }) {
    const learningRate = learningRateAt(training.optimizer, { round: 1, rounds })
    return {
      adjustGradients: (gradients, params, anchor) =>
        proximalGradients(gradients, { params, anchor, mu }),
      divisor: (steps) =>
        normalizerOf({
          steps,
          momentum: training.optimizer.momentum,
          proximalRate: learningRate * mu,
        }),
    }
  },
}
