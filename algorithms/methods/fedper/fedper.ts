/**
 * FedPer: federated averaging of the base layers alone. The last layers stay with the client that trains them.
 *
 * Paper: M. G. Arivazhagan, V. Aggarwal, A. K. Singh, S. Choudhary, "Federated Learning with Personalization Layers", 2019,
 *   https://arxiv.org/abs/1912.00818
 * Rule:  client k: (W_B, W_P,k) ← local SGD over both, from the received W_B and its own W_P,k;  Δ_k = the way of W_B
 *        server:   W_B ← W_B + ServerOptimizer(Σ n_k Δ_k / Σ n_k)
 *        A client predicts with the shared W_B and its own W_P,k; one whose update never counted, with the W_P that all begin
 *        with. The paper lets each client draw its own; here it is one draw, so that it costs no message and can be repeated
 *        What is exported is W_B and W_P,k as the client itself trained them, for W_B of later rounds never reaches it
 * Symbols: W_B = `shared`, W_P,k = the last `personalLayers` of `memory`, Δ_k = group `delta`, n_k = `weight`
 * Costs: as FedAvg, less the personal layers each way; a client keeps one model. `personalLayers` 0 is FedAvg.
 */
import type { RunConfig } from '#protocol/run-config.js'
import type { Method } from '#algorithms/methods/method.js'
import { fedperClient } from './client.js'
import { hyper, type FedPerHyper } from './hyper.js'
import { layersIn, problemWith } from './layers.js'
import { fedperServer } from './server.js'

export const fedper: Method<FedPerHyper> = {
  name: 'fedper',
  hyper,
  releases: 'own',
  personal: true,
  requires({ method }, model) {
    const { personalLayers } = hyper.parse(optionsOf(method))
    return layersIn(model, personalLayers) === null ? [problemWith(model, personalLayers)] : []
  },
  server: fedperServer,
  client: fedperClient,
}

const optionsOf = ({ name: _name, ...options }: RunConfig['method']): object => options
