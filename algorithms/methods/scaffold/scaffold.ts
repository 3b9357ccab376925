/**
 * SCAFFOLD: clients correct every gradient by the difference between the direction of all clients and their own, so that
 * they do not drift apart although their data differ.
 *
 * Paper: S. P. Karimireddy, S. Kale, M. Mohri, S. J. Reddi, S. U. Stich, A. T. Suresh, "SCAFFOLD: Stochastic Controlled
 *   Averaging for Federated Learning", ICML 2020, https://arxiv.org/abs/1910.06378 (Algorithm 1, option II)
 * Rule:  client k, each of K steps: w ← w − η (g − c_k + c)
 *        after them: c_k⁺ = c_k − c + (w_t − w) / (K η);   sends Δ_k = w − w_t and c_k⁺ − c_k; keeps c_k⁺ if they counted
 *        server: w_t ← w_t + ServerOptimizer(mean Δ_k);   c ← c + Σ (c_k⁺ − c_k) / N
 * Symbols: c = `variate/…` in `shared`, c_k = `memory`, c_k⁺ = `pending`, K = `steps`, η = the client learning rate,
 *   Δ_k = group `delta`, c_k⁺ − c_k = group `variate`, N = `population`
 * Where it converges, the plain mean of the clients' gradients is zero: the variates count every client once, whatever the
 *   weights of the deltas are.
 * Costs: two models down and two up per client and round; a client keeps one model's worth of memory.
 */
import { z } from 'zod'
import type { Method } from '#algorithms/methods/method.js'
import { scaffoldClient } from './client.js'
import { scaffoldServer } from './server.js'

const hyper = z.strictObject({})

export const scaffold: Method<z.infer<typeof hyper>> = {
  name: 'scaffold',
  hyper,
  releases: 'model',
  requires: ({ training: { optimizer } }) =>
    optimizer.name === 'sgd' && optimizer.momentum === 0
      ? []
      : [
          'scaffold reads mean gradients off the movement of plain SGD; set training.optimizer to sgd with momentum 0',
        ],
  uncovered: () =>
    'clients of scaffold also send how their control variates changed, which are means of their gradients',
  server: scaffoldServer,
  client: scaffoldClient,
  plainTraining: () => ({
    remark:
      'Clients of scaffold also send how their variate changed. In the first round, which is audited, that is the update over again; later, it tells the mean gradient of each of their rounds without the correction',
  }),
}
