/**
 * FedD2S: every client has a model of its own, which is never averaged and never sent. Clients send what their models see at a
 * cut, the server trains the layers above it on the activations of all, and what this head says of a client's own examples
 * teaches the client. The cut moves from deep to shallow, so that fewer and fewer layers take part in the federation.
 *
 * This is our reading of the method: the body of the paper could not be read, its equations, settings and numbers are not known
 * to us. What comes from the paper is its abstract: no public data, knowledge distilled both ways, deep layers dropped first.
 *
 * Paper: K. Atapour, S. J. Seyedmohammadi, J. Abouei, A. Mohammadi, K. N. Plataniotis, "FedD2S: Personalized Data-Free
 *   Federated Knowledge Distillation", 2024, https://arxiv.org/abs/2402.10846
 * Rule:  round r: ℓ = c_stage, stage = min(floor(r / A), m − 1)
 *        client:  min over F_n of  CE(y, F_n(x)) + λ_c T² KL(q ‖ σ_T(F_n(x)));  then sends z = f_n^{≤ℓ}(x) and y
 *        server:  min over g^{>ℓ} of  CE(y, g^{>ℓ}(z)) + w λ_s T² KL(p ‖ σ_T(g^{>ℓ}(z)));  then returns q = σ_T(g^{>ℓ}(z))
 *        p: the head as the round began, w = 0 in the first round of a stage
 *        profile models: whole models travel; G is averaged from students that clients train beside their own models
 *        A client that was never asked predicts with the first params.
 * Symbols: 𝓓 = (c_0 > … > c_{m−1}) = `cuts`, A = `interval`, T = `temperature`, λ_c = `clientDivergence`,
 *   λ_s = `serverDivergence`, z = `samples/features`, y = `samples/labels`, p = `serverTeacher`, q = `softLabels`,
 *   F_n = `memory`, g = a head of `state`
 * Costs: up K (4 d_ℓ + 1) bytes and down 4 K C bytes per client with K examples and round: it grows with the data, not with the
 *   model, and in convolutional models as the cut becomes shallow. The server trains on every row. Rows of single examples and
 *   their labels leave clients (`reveals`).
 */
import type { Method } from '#algorithms/methods/method.js'
import { featuresClient } from './client.js'
import { hyper, type FedD2SHyper } from './hyper.js'
import { modelsClient } from './models-client.js'
import { modelsServer, modelsUplinks } from './models-server.js'
import { reasonsAgainst } from './requires.js'
import { revealedBy } from './reveals.js'
import { featuresServer, featuresUplinks } from './server.js'

export const fedd2s: Method<FedD2SHyper> = {
  name: 'fedd2s',
  hyper,
  releases: 'own',
  personal: true,
  closesEmpty: true,
  requires: reasonsAgainst,
  reveals: revealedBy,
  uncovered: ({ hyper }) =>
    hyper.profile === 'models'
      ? null
      : 'clients of fedd2s send activations and labels of single examples, and no delta; it has clipNorm and noise of its own',
  smallerBy: [
    'method.maxSamplesPerRound',
    'method.quantization',
    'method.pooling',
    'method.rows class-means',
    'a deeper method.minCut',
  ],
  uplinks: (setup) =>
    setup.hyper.profile === 'models' ? modelsUplinks(setup) : featuresUplinks(setup),
  server: (setup) =>
    setup.hyper.profile === 'models' ? modelsServer(setup) : featuresServer(setup),
  client: (setup) =>
    setup.hyper.profile === 'models' ? modelsClient(setup) : featuresClient(setup),
}
