/**
 * Server Adagrad (FedAdagrad): scales every parameter's step by the sum of its squared mean deltas, so steps only shrink.
 *
 * Paper: S. J. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konečný, S. Kumar, H. B. McMahan, "Adaptive Federated
 *   Optimization", ICLR 2021, https://arxiv.org/abs/2003.00295 (Algorithm 2)
 * Rule:  m ← β1 m + (1 − β1) Δ,   v ← v + Δ²,   x ← x + η m / (√v + τ)
 * Symbols: η = `learningRate`, β1 = `beta1`, τ = `tau`, Δ = `meanDelta`, m and v = tensors `first` and
 *   `second` of the state
 * Costs: two models on the coordinator.
 */
import { z } from 'zod'
import type { ServerOptimizerEntry } from '#algorithms/catalogue-entry.js'
import { adaptive } from './adaptive.js'
import { adaptivity, decayOf, serverLearningRate } from './options.js'

const options = z.strictObject({
  learningRate: serverLearningRate(0.1),
  beta1: decayOf(0, 'first moment'),
  tau: adaptivity,
})

export const adagrad: ServerOptimizerEntry<z.infer<typeof options>> = {
  name: 'adagrad',
  options,
  build: (chosen) => adaptive('adagrad', chosen, (v, square) => v + square),
}
