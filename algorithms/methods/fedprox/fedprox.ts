/**
 * FedProx: FedAvg whose clients are pulled back towards the params they received, so that those with unusual data or many
 * steps drift less.
 *
 * Paper: T. Li, A. K. Sahu, M. Zaheer, M. Sanjabi, A. Talwalkar, V. Smith, "Federated Optimization in Heterogeneous
 *   Networks", MLSys 2020, https://arxiv.org/abs/1812.06127
 * Rule:  client k: minimise F_k(w) + mu/2 · ‖w − w_t‖², that is, add mu · (w − w_t) to every gradient
 *        server:   as FedAvg. mu = 0 is FedAvg
 * Symbols: μ = `mu`, w_t = `shared`, w = `params` of a local step
 * Costs: as FedAvg; a client holds one more copy of the model while it trains.
 */
import { z } from 'zod'
import { deltaClient } from '#algorithms/methods/fedavg/client.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import type { Method } from '#algorithms/methods/method.js'
import { proximalGradients, trainProximally } from '#algorithms/methods/proximal.js'

const hyper = z.strictObject({
  mu: z
    .number()
    .min(0)
    .max(1000)
    .default(0.01)
    .describe('Strength of the pull towards the received params'),
})

export const fedprox: Method<z.infer<typeof hyper>> = {
  name: 'fedprox',
  hyper,
  releases: 'model',
  requires: () => [],
  server: fedavgServer,
  plainTraining: ({ hyper: { mu } }) => ({
    adjustGradients: (gradients, params, anchor) =>
      proximalGradients(gradients, { params, anchor, mu }),
  }),
  client: (setup) => deltaClient(setup, (input) => trainProximally(setup, input, setup.hyper)),
}
