/** The rate of an iteration, 0 ≤ k < steps, as a share of the base rate. */
type Schedule = (k: number, steps: number) => number

/**
 * 5 % of linear warm-up from 0, flat to a quarter, then half a cosine down to 0 at the end. Gifd specification (8.2), whose
 * warm-up factor holds for all of it: lr(0) = 0.
 */
export const warmUpCosine: Schedule = (k, steps) => {
  const t = k / steps
  const fall = 0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, (1 - t) / 0.75))
  return fall * Math.min(1, t / 0.05)
}

/** A tenth of what it was at 3/8, 5/8 and 7/8: IG and GIAS (§12). */
export const stepDecay: Schedule = (k, steps) =>
  [3 / 8, 5 / 8, 7 / 8].reduce((rate, at) => (k / steps >= at ? rate * 0.1 : rate), 1)
