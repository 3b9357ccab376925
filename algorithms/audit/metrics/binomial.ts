/** Exact statements about a share of hits. The beta functions are those of cephes. */
import { compiled, incbet, incbi } from 'cephes'

interface Hits {
  readonly hits: number
  /** At least 1. */
  readonly of: number
}

/**
 * Confidence interval of the share of hits. C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated
 * in the case of the binomial", Biometrika 26(4), 1934, https://doi.org/10.1093/biomet/26.4.404.
 */
export async function clopperPearson(
  { hits, of }: Hits,
  confidence = 0.95,
): Promise<readonly [low: number, high: number]> {
  await compiled
  const tail = (1 - confidence) / 2
  return [
    hits === 0 ? 0 : incbi(hits, of - hits + 1, tail),
    hits === of ? 1 : incbi(hits + 1, of - hits, 1 - tail),
  ]
}

/** Probability of as many hits or more where each has probability `chance`: an exact one-sided test. */
export async function chanceOf({ hits, of }: Hits, chance: number): Promise<number> {
  await compiled
  if (hits === 0 || chance >= 1) return 1
  return incbet(hits, of - hits + 1, chance)
}
