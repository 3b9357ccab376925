/**
 * ClsProx: FedAvg whose clients are pulled back towards the received params with their head alone. The head is what drifts
 * most where clients hold few classes; the extractor trains freely.
 *
 * Paper: M. Luo, F. Chen, D. Hu, Y. Zhang, J. Liang, J. Feng, "No Fear of Heterogeneity: Classifier Calibration for Federated
 *   Learning with Non-IID Data", NeurIPS 2021, https://arxiv.org/abs/2106.05001: one of the classifier experiments that CCVR
 *   is compared with. Without the restriction to the head it is FedProx, https://arxiv.org/abs/1812.06127
 * Rule:  client k: minimise F_k(θ, φ) + mu/2 · ‖φ − φ_t‖², that is, add mu · (φ − φ_t) to the gradients of the head
 *        server:   as FedAvg. mu = 0 is FedAvg; for a model that is nothing but a head it is FedProx
 * Symbols: μ = `mu`, φ = the params of the last block, φ_t = these in `shared`, θ = all others
 * Costs: as FedAvg; a client holds one more copy of the head while it trains.
 */
import { z } from 'zod'
import { deltaClient } from '#algorithms/methods/fedavg/client.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import type { Method } from '#algorithms/methods/method.js'
import { proximalGradients, trainProximally } from '#algorithms/methods/proximal.js'
import { headLayout } from '#algorithms/models/backbone.js'

const hyper = z.strictObject({
  mu: z
    .number()
    .min(0)
    .max(1000)
    .default(0.01)
    .describe('Strength of the pull of the head towards the received one'),
})

export const clsprox: Method<z.infer<typeof hyper>> = {
  name: 'clsprox',
  hyper,
  releases: 'model',
  requires: () => [],
  server: fedavgServer,
  plainTraining({ model, hyper: { mu } }) {
    const held = headLayout(model).params.length
    return {
      adjustGradients: (gradients, params, start) =>
        proximalGradients(gradients, { params, anchor: start.slice(-held), mu }),
    }
  },
  client(setup) {
    const pull = { ...setup.hyper, held: headLayout(setup.model) }
    return deltaClient(setup, (input) => trainProximally(setup, input, pull))
  },
}
