import { float32Of } from '#protocol/bundle.js'
import type { ServerOptimizer } from './server-optimizer.js'
import { moments, zeros } from './moments.js'

export interface AdaptiveOptions {
  readonly learningRate: number
  readonly beta1: number
  readonly tau: number
}

/**
 * Algorithm 2 of Reddi et al. 2021, of which Adagrad, Adam and Yogi differ in one line, `second`: the new second moment
 * from the old one and Δ². No bias correction, as in the paper; v starts at tau².
 *   m ← β1 m + (1 − β1) Δ,   v ← second(v, Δ²),   x ← x + η m / (√v + τ)
 */
export function adaptive(
  name: string,
  { learningRate, beta1, tau }: AdaptiveOptions,
  second: (v: number, square: number) => number,
): ServerOptimizer {
  return {
    name,
    init: (parameterCount) =>
      moments({ first: zeros(parameterCount), second: zeros(parameterCount).fill(tau * tau) }),
    step(params, meanDelta, state) {
      const m = float32Of(state, 'first').map(
        (value, i) => beta1 * value + (1 - beta1) * meanDelta[i]!,
      )
      const v = float32Of(state, 'second').map((value, i) => second(value, meanDelta[i]! ** 2))
      return {
        params: params.map((value, i) => value + (learningRate * m[i]!) / (Math.sqrt(v[i]!) + tau)),
        state: moments({ first: m, second: v }),
      }
    },
  }
}
