/**
 * MOON: FedAvg whose clients also compare features: those of an example under the model in training are pulled towards its
 * features under the received model, and away from those under the client's own model of last time.
 *
 * Paper: Q. Li, B. He, D. Song, "Model-Contrastive Federated Learning", CVPR 2021, https://arxiv.org/abs/2103.16257
 * Rule:  client k: minimise CE + mu · mean over the batch of −log(e^g / (e^g + e^p)),
 *          g = cos(z, z_glob) / τ,  p = cos(z, z_prev) / τ
 *        z_glob and z_prev are constants. A client without a model of last time takes the received one: then the term is
 *        log 2, has no gradient, and training is that of FedAvg
 *        server:   as FedAvg. mu = 0 is FedAvg
 *        The metric `loss` is that of both terms
 * Symbols: μ = `mu`, τ = `temperature`, z = what enters the head, z_glob = the same by `shared`, z_prev = by `memory`: the
 *   extractor as this client trained it when last its update counted
 * Costs: on the wire as FedAvg. A client runs its extractor three times a step, once of these backwards, holds two more copies
 *   of it while it trains, and keeps one as memory.
 */
import type { Method } from '#algorithms/methods/method.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { moonClient } from './client.js'
import { hyper, type MoonHyper } from './hyper.js'

export const moon: Method<MoonHyper> = {
  name: 'moon',
  hyper,
  releases: 'model',
  requires: (_config, model) =>
    extractorOf(model).layout.parameterCount > 0
      ? []
      : [
          `moon compares the features that enter the head, and before the head of ${model.name} there is nothing that learns; choose a model with a hidden layer`,
        ],
  server: fedavgServer,
  client: moonClient,
  plainTraining: () => ({
    remark:
      'A client of moon that took part before also pulls its features away from those it had; what is audited is its first update',
  }),
}
