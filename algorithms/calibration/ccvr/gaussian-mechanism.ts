/** How much noise a guarantee of differential privacy costs. */

export interface PrivacyBudget {
  readonly epsilon: number
  readonly delta: number
  /** Largest L2 distance between what two neighbouring data sets give. */
  readonly sensitivity: number
}

/** Where the distribution function's own value underflows. */
const FAR = 20

/**
 * Standard deviation of the normal noise that makes a release (ε, δ)-differentially private. ε ≤ 1: the classical
 * Δ sqrt(2 ln(1.25 / δ)) / ε. Above, where that is not valid: the smallest σ with
 * Φ(Δ / 2σ − εσ / Δ) − e^ε Φ(−Δ / 2σ − εσ / Δ) ≤ δ (B. Balle, Y.-X. Wang, "Improving the Gaussian Mechanism for Differential
 * Privacy", ICML 2018, https://arxiv.org/abs/1805.06530, theorem 8), found by bisection and rounded up.
 */
export async function noiseDeviation(budget: PrivacyBudget): Promise<number> {
  const { epsilon, delta, sensitivity } = budget
  if (epsilon <= 1) return (sensitivity * Math.sqrt(2 * Math.log(1.25 / delta))) / epsilon
  const { compiled, ndtr } = await import('cephes')
  await compiled
  /** δ for a noise of σ = sensitivity · ratio; falls with it. */
  const deltaOf = (ratio: number): number => {
    const [u, v] = [1 / (2 * ratio), epsilon * ratio]
    return ndtr(u - v) - scaledTail(epsilon, u, v)
  }
  /** e^ε Φ(−u − v), from below where Φ underflows, so that noise is never too small: Φ(−t) ≥ φ(t) t / (t² + 1). */
  const scaledTail = (power: number, u: number, v: number): number => {
    const t = u + v
    if (t <= FAR) return Math.exp(power) * ndtr(-t)
    const density = Math.exp(-((u - v) ** 2) / 2) / Math.sqrt(2 * Math.PI)
    return (density * t) / (t * t + 1)
  }
  let [low, high] = [1e-6, 1]
  while (deltaOf(high) > delta) high *= 2
  while (high / low > 1 + 1e-12) {
    const middle = Math.sqrt(low * high)
    if (deltaOf(middle) > delta) low = middle
    else high = middle
  }
  return sensitivity * high
}
