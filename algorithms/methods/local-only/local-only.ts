/**
 * Local training alone: every client trains a model of its own on its own examples, and nothing leaves it. What a federation
 * has to be better than.
 *
 * Paper: no one's in particular; the baseline of those on personalised federated learning, for instance T. Li, S. Hu,
 *   A. Beirami, V. Smith, "Ditto: Fair and Robust Federated Learning Through Personalization", ICML 2021,
 *   https://arxiv.org/abs/2012.04221, where it is "local"
 * Rule:  client k: v_k ← v_k after local SGD in every round that asks it, whatever becomes of its answer;  v_k starts as w_0
 *        server:   asks, and counts who answered
 *        A client that was never asked predicts with w_0
 * Symbols: w_0 = the params that every client draws from the run's seed, or `assets`; v_k = `memory`
 * Costs: an update holds no tensors, a task no params. A client keeps one model. Only an evaluation round of its own brings
 *   the first params, once.
 */
import { z } from 'zod'
import type { Method } from '#algorithms/methods/method.js'
import { localOnlyClient } from './client.js'
import { localOnlyServer } from './server.js'

const hyper = z.strictObject({})

export const localOnly: Method<z.infer<typeof hyper>> = {
  name: 'local-only',
  hyper,
  releases: 'own',
  personal: true,
  closesEmpty: true,
  requires: () => [],
  server: localOnlyServer,
  client: localOnlyClient,
}
