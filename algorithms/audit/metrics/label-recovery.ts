/** How well labels were inferred, against guessing. Gifd specification §13.7 and trap 6. */
import type { AuditRow } from '#protocol/audit-report.js'
import { mean } from './spread.js'

/** The labels of one batch. */
export interface LabelPair {
  readonly inferred: Int32Array
  readonly truth: Int32Array
}

const countsOf = (labels: Int32Array): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return counts
}

/** Σ_c min(n_c, n̂_c) */
function labelsFound({ inferred, truth }: LabelPair): number {
  const guessed = countsOf(inferred)
  let found = 0
  for (const [label, count] of countsOf(truth)) found += Math.min(count, guessed.get(label) ?? 0)
  return found
}

/** Σ_c min(n_c, n̂_c) / B: the share of the multiset of labels that was found. */
export const labelOverlap = (pair: LabelPair): number => labelsFound(pair) / pair.truth.length

/** Chances of 0, 1, … n hits in n tries, each a hit with probability `q`. */
function binomial(n: number, q: number): Float64Array {
  const chances = new Float64Array(n + 1)
  if (q <= 0 || q >= 1) {
    chances[q <= 0 ? 0 : n] = 1
    return chances
  }
  let logarithm = n * Math.log1p(-q)
  const odds = Math.log(q) - Math.log1p(-q)
  for (let k = 0; k <= n; k++) {
    chances[k] = Math.exp(logarithm)
    logarithm += odds + Math.log((n - k) / (k + 1))
  }
  return chances
}

/**
 * How likely as many guesses from `shares` as a batch has labels find 0, 1, … B of them. One class after another: of the
 * guesses that are left, so many are of this class. Rows: guesses that are left; columns: labels that were found.
 */
function guessing(truth: Int32Array, shares: Float64Array): Float64Array {
  const size = truth.length
  const width = size + 1
  let states = new Float64Array(width * width)
  states[size * width] = 1
  let shareLeft = 1
  let most = 0
  for (const [label, count] of countsOf(truth)) {
    const share = shares[label] ?? 0
    const next = new Float64Array(width * width)
    for (let left = 0; left <= size; left++) {
      const chances = binomial(left, shareLeft > 0 ? share / shareLeft : 0)
      for (let found = 0; found <= Math.min(most, size - left); found++) {
        const state = states[left * width + found]!
        if (state === 0) continue
        chances.forEach((chance, k) => {
          next[(left - k) * width + found + Math.min(k, count)]! += state * chance
        })
      }
    }
    states = next
    shareLeft -= share
    most += count
  }
  // Guesses that are left are of classes that the batch does not have.
  return Float64Array.from({ length: width }, (_, found) => {
    let chance = 0
    for (let left = 0; left <= size; left++) chance += states[left * width + found]!
    return chance
  })
}

/** Of the sum of two independent numbers. */
function sumOf(a: Float64Array, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length + b.length - 1)
  a.forEach((p, i) => b.forEach((q, j) => (sum[i + j]! += p * q)))
  return sum
}

/**
 * Share of the labels of all batches that was found, in how many batches all, what guesses from `shares` (labels of public
 * data) find, and how often guessing is as good as what was found, or as if all had been: exactly, so that a verdict hangs on
 * no random number. Batches of equal sizes, at least one.
 */
export function labelRecoveryOf(
  batches: readonly LabelPair[],
  shares: Float64Array,
): Pick<AuditRow['labelRecovery'], 'rate' | 'exact' | 'chance' | 'pValue' | 'leastPValue'> {
  const found = batches.reduce((sum, pair) => sum + labelsFound(pair), 0)
  const all = batches.reduce((sum, { truth }) => sum + truth.length, 0)
  const byGuessing = batches
    .map(({ truth }) => guessing(truth, shares))
    .reduce((sum, one) => sumOf(sum, one), Float64Array.of(1))
  const asGood = (least: number): number =>
    Math.min(
      1,
      byGuessing.slice(least).reduceRight((sum, chance) => sum + chance, 0),
    )
  return {
    rate: found / all,
    exact: mean(batches.map((pair) => (labelOverlap(pair) === 1 ? 1 : 0))),
    chance: Math.min(1, byGuessing.reduce((sum, chance, labels) => sum + chance * labels, 0) / all),
    pValue: asGood(found),
    leastPValue: asGood(all),
  }
}
