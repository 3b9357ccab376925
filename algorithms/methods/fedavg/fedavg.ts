/**
 * FedAvg: every client trains a copy of the global model on its own examples; the coordinator averages how far the copies
 * moved, weighted by how many examples moved them.
 *
 * Paper: H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas, "Communication-Efficient Learning of Deep
 *   Networks from Decentralized Data", AISTATS 2017, https://arxiv.org/abs/1602.05629
 * Rule:  client k: w_k ← w after local SGD;  Δ_k = w_k − w
 *        server:   w ← w + ServerOptimizer(Σ n_k Δ_k / Σ n_k)      (SGD with learning rate 1 is the paper's plain mean)
 * Symbols: w = `shared`, Δ_k = group `delta`, n_k = `weight`
 * Costs: one model down and one up per client and round; the server keeps one model, its optimizer's tensors and one sum.
 */
import { z } from 'zod'
import type { Method } from '#algorithms/methods/method.js'
import { fedavgClient } from './client.js'
import { fedavgServer } from './server.js'

const hyper = z.strictObject({})

export const fedavg: Method<z.infer<typeof hyper>> = {
  name: 'fedavg',
  hyper,
  releases: 'model',
  requires: () => [],
  server: fedavgServer,
  client: fedavgClient,
  plainTraining: () => ({}),
}
