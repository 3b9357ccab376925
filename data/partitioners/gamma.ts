import type { Stream } from '#protocol/random.js'

/**
 * Logarithm of a Gamma(shape, 1) variate, shape > 0. G. Marsaglia, W. W. Tsang, "A simple method for generating gamma
 * variables", ACM TOMS 26(3), 2000: with d = shape - 1/3 and c = 1 / sqrt(9 d), a normal x and a uniform u, accept
 * d (1 + c x)^3 when ln u < x²/2 + d - d v + d ln v. Below shape 1 it draws for shape + 1 and multiplies by u^(1 / shape):
 * in logarithms, because for small shapes the variate itself underflows.
 */
export function logGamma(stream: Stream, shape: number): number {
  if (shape < 1) return logGamma(stream, shape + 1) + Math.log(1 - stream.uniform()) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = stream.normal()
    const root = 1 + c * x
    const u = 1 - stream.uniform()
    if (root <= 0) continue
    const v = root * root * root
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d) + Math.log(v)
  }
}

/** Proportions of a symmetric Dirichlet(alpha) over `count` places: Gamma(alpha) variates divided by their sum. */
export const dirichletProportions = (stream: Stream, alpha: number, count: number): Float64Array =>
  proportionsOf(Float64Array.from({ length: count }, () => logGamma(stream, alpha)))

/** exp(log) divided by the sum of them all; 0 for −∞, NaN where there is nothing else. */
export function proportionsOf(logs: Float64Array): Float64Array {
  const largest = logs.reduce((most, value) => Math.max(most, value), -Infinity)
  const shares = logs.map((value) => Math.exp(value - largest))
  const total = shares.reduce((sum, share) => sum + share, 0)
  return shares.map((share) => share / total)
}
