/** What a study comes to: by setting, every variant over its seeds, and the base against it. */
import { meanAndSpread } from '#simulations/report/numbers.js'
import type { CellResult } from './cell-result.js'

/** Mean and sample standard deviation over `count` seeds; of one seed there is no spread. */
export interface Estimate {
  readonly mean: number
  readonly spread: number | null
  readonly count: number
}
export interface StudyRow {
  readonly variant: string
  readonly measure: string
  readonly seeds: readonly number[]
  /** Of the last value of the measure; null where it was never taken. */
  readonly value: Estimate | null
  /** Accuracy of the worst and the best served client, where clients scored the final model. Means over the seeds. */
  readonly lowestClient: number | null
  readonly highestClient: number | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly seconds: number
  /** The base less this variant, seed by seed: above 0, the base is higher. Null for the base itself, and without a pair. */
  readonly gain: Estimate | null
}
export interface StudyTable {
  readonly setting: string
  readonly rows: readonly StudyRow[]
}

/** Settings and variants in the order in which they first occur. */
export function studyTables(results: readonly CellResult[], base: string): readonly StudyTable[] {
  return [...groupBy(results, ({ setting }) => setting)].map(([setting, cells]) => {
    const variants = groupBy(cells, ({ variant }) => variant)
    const ofBase = variants.get(base) ?? []
    const rows = [...variants].map(([variant, own]) =>
      rowOf(variant, own, variant === base ? [] : ofBase),
    )
    return { setting, rows }
  })
}

function rowOf(
  variant: string,
  results: readonly CellResult[],
  base: readonly CellResult[],
): StudyRow {
  const metric = (name: string) => estimate(results.map(({ metrics }) => metrics[name]))?.mean
  const mean = (of: (result: CellResult) => number) => estimate(results.map(of))?.mean ?? 0
  return {
    variant,
    measure: results[0]?.measure ?? '',
    seeds: results.map(({ seed }) => seed),
    value: estimate(results.map(valueOf)),
    lowestClient: metric('federated/lowestAccuracy') ?? null,
    highestClient: metric('federated/highestAccuracy') ?? null,
    bytesUp: mean(({ bytesUp }) => bytesUp),
    bytesDown: mean(({ bytesDown }) => bytesDown),
    seconds: mean(({ seconds }) => seconds),
    gain: estimate(results.map((result) => differenceTo(result, base))),
  }
}

/** The value that a cell counts with. */
export const valueOf = ({ metrics, measure }: CellResult): number | undefined => metrics[measure]

function differenceTo(result: CellResult, base: readonly CellResult[]): number | undefined {
  const partner = base.find(({ seed }) => seed === result.seed)
  const [own, other] = [valueOf(result), partner === undefined ? undefined : valueOf(partner)]
  return own === undefined || other === undefined ? undefined : other - own
}

/** Over the values that are there; null if none is. */
export function estimate(values: readonly (number | undefined)[]): Estimate | null {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return null
  const { mean, spread } = meanAndSpread(known)
  return { mean, spread: known.length === 1 ? null : spread, count: known.length }
}

export function groupBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
