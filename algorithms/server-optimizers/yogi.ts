/**
 * Server Yogi (FedYogi): as Adam, but the second moment moves by a bounded amount, so it forgets large deltas slowly.
 *
 * Paper: S. J. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konečný, S. Kumar, H. B. McMahan, "Adaptive Federated
 *   Optimization", ICLR 2021, https://arxiv.org/abs/2003.00295 (Algorithm 2)
 * Rule:  m ← β1 m + (1 − β1) Δ,   v ← v − (1 − β2) Δ² sign(v − Δ²),   x ← x + η m / (√v + τ)
 * Symbols: η = `learningRate`, β1 = `beta1`, β2 = `beta2`, τ = `tau`, Δ = `meanDelta`, m and v = tensors `first` and
 *   `second` of the state
 * Costs: two models on the coordinator.
 */
import { z } from 'zod'
import type { ServerOptimizerEntry } from '#algorithms/catalogue-entry.js'
import { adaptive } from './adaptive.js'
import { adaptivity, decayOf, serverLearningRate } from './options.js'

const options = z.strictObject({
  learningRate: serverLearningRate(0.01),
  beta1: decayOf(0.9, 'first moment'),
  beta2: decayOf(0.99, 'second moment'),
  tau: adaptivity,
})

export const yogi: ServerOptimizerEntry<z.infer<typeof options>> = {
  name: 'yogi',
  options,
  build: (chosen) =>
    adaptive(
      'yogi',
      chosen,
      (v, square) => v - (1 - chosen.beta2) * square * Math.sign(v - square),
    ),
}
