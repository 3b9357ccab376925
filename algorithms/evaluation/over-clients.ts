/**
 * How well, and how evenly, models serve clients: every client counts once, however many examples it holds. Low deviation
 * alone is no fairness, because all can be served equally badly; so it is read beside the mean. fedd2s specification §9.
 */
export interface OverClients {
  readonly count: number
  /** Unweighted. */
  readonly accuracy: number
  /** Of the whole population, divided by `count`: these clients are all there are, no sample of more. */
  readonly variance: number
  readonly deviation: number
  readonly worst: number
  /** Mean of the lowest tenth, at least one client. */
  readonly worst10: number
  /** Jain's index, from 1 / `count` (one client has it all) to 1 (all have the same). */
  readonly jain: number
}

/** `accuracies` from 0 to 1, one for each client; null without any. */
export function overClients(accuracies: readonly number[]): OverClients | null {
  const count = accuracies.length
  if (count === 0) return null
  const accuracy = mean(accuracies)
  const variance = mean(accuracies.map((value) => (value - accuracy) ** 2))
  const lowest = accuracies.toSorted((a, b) => a - b).slice(0, Math.ceil(0.1 * count))
  return {
    ...{ count, accuracy, variance, deviation: Math.sqrt(variance) },
    worst: lowest[0] ?? 0,
    worst10: mean(lowest),
    jain: jainOf(accuracies),
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length

function jainOf(values: readonly number[]): number {
  const squares = sum(values.map((value) => value ** 2))
  // All have the same, and it is nothing.
  return squares === 0 ? 1 : sum(values) ** 2 / (values.length * squares)
}
