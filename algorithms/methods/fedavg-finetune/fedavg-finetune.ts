/**
 * FedAvg with fine-tuning: federated averaging whose clients predict with their own weights as they are after local training,
 * before averaging. The simplest personal model, and a strong one.
 *
 * Paper: Y. Jiang, J. Konečný, K. Rush, S. Kannan, "Improving Federated Learning Personalization via Model Agnostic Meta
 *   Learning", 2019, https://arxiv.org/abs/1909.12488: federated averaging, then local steps on each client. Federated
 *   averaging as in https://arxiv.org/abs/1602.05629
 * Rule:  client k: w_k ← w after local SGD;  Δ_k = w_k − w;  v_k ← w_k if the update counts
 *        server:   as FedAvg, bit for bit
 *        A client whose update never counted predicts with w
 * Symbols: w = `shared`, Δ_k = group `delta`, v_k = `memory`
 * Costs: on the wire as FedAvg; a client keeps one model.
 */
import { z } from 'zod'
import { deltaClient } from '#algorithms/methods/fedavg/client.js'
import { fedavgServer } from '#algorithms/methods/fedavg/server.js'
import { sharedPredictor, trainFromShared } from '#algorithms/methods/local-training.js'
import type { Method } from '#algorithms/methods/method.js'
import { ownModel, ownPredictor } from '#algorithms/methods/own-model.js'
import { paramsBundle } from '#algorithms/models/params.js'

const hyper = z.strictObject({})

export const fedavgFinetune: Method<z.infer<typeof hyper>> = {
  name: 'fedavg-finetune',
  hyper,
  releases: 'model',
  personal: true,
  requires: () => [],
  plainTraining: () => ({}),
  server: fedavgServer,
  client: (setup) => ({
    ...deltaClient(
      setup,
      (input) => trainFromShared(setup, input),
      ({ params }) => paramsBundle(setup.model, params),
    ),
    predictor: ownPredictor(setup, sharedPredictor(setup)),
    personalModel: ownModel(setup),
  }),
}
