import type { Metrics } from '#protocol/record.js'
import type { Examples } from '#data/dataset.js'
import type { PredictorHandle } from '#algorithms/methods/method.js'
import { forBatches } from './evaluate.js'

/** How often each entry was taken, by domain: [domain][entry]. */
export type RoutingCounts = readonly Float64Array[]

/**
 * What the choice of an entry tells about the domain, on data whose domains are known: `routing/mutualInformation` in nats,
 * from 0 (nothing) to log(number of domains). Empty for methods that do not choose, and for data without domains.
 */
export async function routingMetrics(
  { route }: Pick<PredictorHandle, 'route'>,
  examples: Examples,
): Promise<Metrics> {
  const { domains } = examples.source
  if (route === undefined || domains === undefined || examples.indices.length === 0) return {}
  const counts: Float64Array[] = []
  await forBatches(route, examples, (chosen, row) => {
    const domain = domains.of[row]!
    const own = (counts[domain] ??= new Float64Array(chosen.length))
    chosen.forEach((value, entry) => (own[entry]! += value))
  })
  return { 'routing/mutualInformation': mutualInformation(counts.filter((own) => own.length > 0)) }
}

/** Σ p(g, m) · log( p(g, m) / (p(g) p(m)) ), in nats. */
export function mutualInformation(counts: RoutingCounts): number {
  const rowSums = counts.map((row) => sum(row))
  const total = sum(rowSums)
  const columnSums = (counts[0] ?? new Float64Array(0)).map((_, m) => sum(counts.map((r) => r[m]!)))
  let information = 0
  counts.forEach((row, g) =>
    row.forEach((count, m) => {
      if (count > 0)
        information += (count / total) * Math.log((count * total) / (rowSums[g]! * columnSums[m]!))
    }),
  )
  // Rounding can leave a negative last bit.
  return Math.max(0, information)
}

/** exp of the entropy of the shares: how many entries are in use, from 1 to their number. Shares sum to 1. */
export const effectiveEntries = (shares: ArrayLike<number>): number =>
  Math.exp(-sum(Array.from(shares, (share) => (share > 0 ? share * Math.log(share) : 0))))

const sum = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((total, value) => total + value, 0)
