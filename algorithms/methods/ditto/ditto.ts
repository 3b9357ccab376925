/**
 * Ditto: federated averaging, and beside it a personal model of each client, held near the received params.
 *
 * Paper: T. Li, S. Hu, A. Beirami, V. Smith, "Ditto: Fair and Robust Federated Learning Through Personalization", ICML 2021,
 *   https://arxiv.org/abs/2012.04221
 * Rule:  client k: w_k ← w after local SGD;  Δ_k = w_k − w;
 *                  v_k ← v_k after SGD on F_k(v) + λ/2 · ‖v − w‖², that is, with λ · (v − w) added to every gradient
 *        server:   as FedAvg, bit for bit
 *        v_k starts as w_0 and is kept whatever becomes of the update: it does not depend on it. λ = 0 is local-only, bit for
 *        bit. A client that was never asked predicts with w
 * Symbols: w = `shared`, Δ_k = group `delta`, v_k = `memory`, λ = `lambda`; w_0 = the params that every client draws from the
 *   run's seed, or `assets`
 *   The authors' code lets clients choose λ among 0.1, 1 and 2, and their scripts set 1. The default is 0.1: the more clients
 *   differ, the less should hold them together. In the study fedd2s-label-skew 0.1 is ahead of 1 under strong skew, and behind
 *   it under milder
 *   `loss` and `steps` are of w_k, `personal/loss` and `personal/steps` of v_k
 * Costs: on the wire as FedAvg. A client trains twice in a round, keeps one model and holds one more copy while it trains.
 */
import type { Method } from '#algorithms/methods/method.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import { withFirstAssets } from '#algorithms/methods/first-params.js'
import { dittoClient } from './client.js'
import { hyper, type DittoHyper } from './hyper.js'

export const ditto: Method<DittoHyper> = {
  name: 'ditto',
  hyper,
  releases: 'model',
  personal: true,
  requires: () => [],
  server: (setup) => withFirstAssets(setup, fedavgServer(setup)),
  client: dittoClient,
  plainTraining: () => ({}),
}
