/** How well labels were inferred, against guessing. Gifd specification §13.7 and trap 6. */
import type { Stream } from '#protocol/random.js'
import type { AuditRow } from '#protocol/audit-report.js'
import { mean } from './spread.js'

/** The labels of one batch. */
export interface LabelPair {
  readonly inferred: Int32Array
  readonly truth: Int32Array
}

/** Σ_c min(n_c, n̂_c) / B: the share of the multiset of labels that was found. */
export function labelOverlap({ inferred, truth }: LabelPair): number {
  const left = new Map<number, number>()
  for (const label of truth) left.set(label, (left.get(label) ?? 0) + 1)
  let found = 0
  for (const label of inferred) {
    const count = left.get(label) ?? 0
    if (count === 0) continue
    left.set(label, count - 1)
    found += 1
  }
  return found / truth.length
}

/** Simulated audits by guessing; the smallest p-value is one over one more. */
const DRAWS = 1000

/** One label after the shares of public data. */
function guess(shares: Float64Array, stream: Stream): number {
  let left = stream.uniform()
  for (let label = 0; label < shares.length; label++) {
    left -= shares[label]!
    if (left < 0) return label
  }
  return shares.length - 1
}

/**
 * Mean overlap over the batches, how many are exact, the mean overlap of guesses from `shares` (labels of public data), and how
 * often guessing is as good as what was found.
 */
export function labelRecoveryOf(
  batches: readonly LabelPair[],
  shares: Float64Array,
  stream: Stream,
): Pick<AuditRow['labelRecovery'], 'rate' | 'exact' | 'chance' | 'pValue'> {
  const rate = mean(batches.map(labelOverlap))
  const guesses = Array.from({ length: DRAWS }, () =>
    mean(
      batches.map(({ truth }) =>
        labelOverlap({ truth, inferred: truth.map(() => guess(shares, stream)) }),
      ),
    ),
  )
  // Means of the same shares may differ in their last bit.
  const asGood = guesses.filter((value) => value >= rate - 1e-9).length
  return {
    rate,
    exact: mean(batches.map((pair) => (labelOverlap(pair) === 1 ? 1 : 0))),
    chance: mean(guesses),
    pValue: (1 + asGood) / (1 + DRAWS),
  }
}
