/**
 * APFL: federated averaging, and beside it a local model of each client. A client predicts with a mixture of the two, and how
 * much of each is in it adapts to how useful each is to that client.
 *
 * Paper: Y. Deng, M. M. Kamani, M. Mahdavi, "Adaptive Personalized Federated Learning", 2020, https://arxiv.org/abs/2003.13461
 * Rule:  client k, once in a round:  α_k ← clip(α_k − η ⟨v_k − w, ∇F_k(v̄_k; ξ)⟩, 0, 1) on one batch ξ, unless `adaptive` is off
 *                  in every step, on one batch:  w_k ← w_k − η ∇F_k(w_k)  and  v_k ← v_k − η α_k ∇F_k(v̄_k),
 *                  with v̄_k = α_k v_k + (1 − α_k) w_k, where w_k is a constant to the second;  Δ_k = w_k − w
 *        server:   as FedAvg, bit for bit
 *        v_k starts as w_0. v_k, α_k and v̄_k are kept whatever becomes of the update: they do not depend on it. With α fixed
 *        at 1 they are local-only's, at 0 v̄_k is what fedavg-finetune predicts with, bit for bit both
 *        A client predicts with v̄_k as it was at the end of its last training; one that was never asked, with w
 * Symbols: w = `shared`, Δ_k = group `delta`, v̄_k = `memory`, v_k = the part `own` of it, α = `alpha` (0.5 in the authors' code),
 *   η = the learning rate of the round, w_0 = the params that every client draws from the run's seed, or `assets`
 *   The metric `loss` is the sum of F_k(w_k) and F_k(v̄_k). Gradients of the two are clipped each by itself. The authors' code also
 *   pulls α towards 0 a little; the paper does not
 * Costs: on the wire as FedAvg. Every step is two; a client keeps two models and trains with both in memory.
 */
import { z } from 'zod'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import { withFirstAssets } from '#algorithms/methods/first-params.js'
import type { Method } from '#algorithms/methods/method.js'
import { apflClient } from './client.js'

const hyper = z.strictObject({
  alpha: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Share of the local model in the mixture that a client predicts with, at first'),
  adaptive: z
    .boolean()
    .default(true)
    .describe('Every client moves its share along the gradient of its loss, once in a round'),
})

export const apfl: Method<z.infer<typeof hyper>> = {
  name: 'apfl',
  hyper,
  releases: 'model',
  personal: true,
  requires: () => [],
  server: (setup) => withFirstAssets(setup, fedavgServer(setup)),
  client: apflClient,
  plainTraining: () => ({}),
}
