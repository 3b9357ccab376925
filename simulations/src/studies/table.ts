/** What a study comes to: by setting, every variant over its seeds, and the base against it. */
import { isJsonObject } from '#protocol/json.js'
import type { Metrics } from '#protocol/record.js'
import { accuracyBySlot, beaten, LOCAL_ONLY } from '#simulations/report/clients.js'
import { meanAndSpread } from '#simulations/report/numbers.js'
import type { CellResult } from './cell-result.js'
import type { Study } from './load-study.js'
import { isOfClients } from '#simulations/report/trajectories.js'

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
  /** Of runs that end with a calibration: the measure of the model that it corrected, and what it added, seed by seed. */
  readonly before: Estimate | null
  readonly calibrationGain: Estimate | null
  /** Recall of the class that is recognised worst, before a calibration and at the end. Means over the seeds. */
  readonly worstBefore: number | null
  readonly worstClass: number | null
  /** Accuracy of the worst and the best served client, where clients scored the final model. Means over the seeds. */
  readonly lowestClient: number | null
  readonly highestClient: number | null
  /** Where the measure is one over clients, how evenly they are served. */
  readonly clients: ClientRow | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly seconds: number
  /**
   * Over a baseline: this variant less the baseline. Without one: the base less this variant. Seed by seed; null for the one that
   * others are compared with, and without a pair.
   */
  readonly gain: Estimate | null
}
/** Means over the seeds; null what nobody told. */
export interface ClientRow {
  /** Over the clients of a run, and between them. */
  readonly mean: Estimate | null
  readonly deviation: number | null
  readonly worst: number | null
  readonly worst10: number | null
  /** Share of the clients that score higher than where they train alone, slot by slot; null without such a variant. */
  readonly beatsLocal: number | null
  /** Clients that train on one class, and the mean without them. */
  readonly singleClass: number | null
  readonly severalClasses: number | null
  /** Clients with a model of their own among those of personal methods, and the mean over them. */
  readonly untrained: number | null
  readonly trained: number | null
}
export interface StudyTable {
  readonly setting: string
  /** The variant that gains are counted over; null: they are those of the base over each. */
  readonly baseline: string | null
  readonly rows: readonly StudyRow[]
}
/** What variants are compared with. */
export type Compared = Pick<Study, 'base' | 'baseline'> & Partial<Pick<Study, 'variants'>>

/** Settings and variants in the order in which they first occur. */
export function studyTables(
  results: readonly CellResult[],
  compared: Compared,
): readonly StudyTable[] {
  const { base, baseline } = compared
  const local = localVariant(compared)
  return [...groupBy(results, ({ setting }) => setting)].map(([setting, cells]) => {
    const variants = groupBy(cells, ({ variant }) => variant)
    const other = baseline ?? base
    const others = variants.get(other) ?? []
    const alone = variants.get(local ?? '') ?? []
    const rows = [...variants].map(([variant, own]) =>
      rowOf(variant, own, {
        gainOf: (result) => {
          const difference = variant === other ? undefined : differenceTo(result, others)
          return difference === undefined || baseline !== null ? difference : -difference
        },
        beatsOf: (result) => (variant === local ? undefined : shareBeating(result, alone)),
      }),
    )
    return { setting, baseline, rows }
  })
}

/** The first variant whose clients train alone; null without one. */
function localVariant({ base, variants = [] }: Compared): string | null {
  const methodOf = ({ overrides: { method } }: (typeof variants)[number]): string =>
    isJsonObject(method) && typeof method['name'] === 'string' ? method['name'] : base
  return variants.find((variant) => methodOf(variant) === LOCAL_ONLY)?.name ?? null
}

/** Against the same clients of the same seed; undefined without. */
function shareBeating(
  { clients, seed }: CellResult,
  alone: readonly CellResult[],
): number | undefined {
  const local = alone.find((one) => one.seed === seed)
  const { wins, of } = beaten(accuracyBySlot(clients), accuracyBySlot(local?.clients))
  return of === 0 ? undefined : wins / of
}

/** What a result is against others. */
interface Against {
  readonly gainOf: (result: CellResult) => number | undefined
  readonly beatsOf: (result: CellResult) => number | undefined
}
function rowOf(variant: string, results: readonly CellResult[], against: Against): StudyRow {
  const metric = (name: string) => estimate(results.map(({ metrics }) => metrics[name]))?.mean
  const mean = (of: (result: CellResult) => number) => estimate(results.map(of))?.mean ?? 0
  return {
    variant,
    measure: results[0]?.measure ?? '',
    seeds: results.map(({ seed }) => seed),
    value: estimate(results.map(valueOf)),
    before: estimate(results.map(beforeOf)),
    calibrationGain: estimate(results.map((one) => less(valueOf(one), beforeOf(one)))),
    worstBefore:
      estimate(results.map((one) => worstOf(one, one.calibration?.before)))?.mean ?? null,
    worstClass: estimate(results.map((one) => worstOf(one, one.metrics)))?.mean ?? null,
    lowestClient: metric('federated/lowestAccuracy') ?? null,
    highestClient: metric('federated/highestAccuracy') ?? null,
    bytesUp: mean(({ bytesUp }) => bytesUp),
    bytesDown: mean(({ bytesDown }) => bytesDown),
    seconds: mean(({ seconds }) => seconds),
    clients: isOverClients(results[0]?.measure ?? '') ? clientRowOf(results, against) : null,
    gain: estimate(results.map(against.gainOf)),
  }
}

/** A measure in which every client counts once. */
export const isOverClients = (measure: string): boolean => measure.startsWith('clients/')

function clientRowOf(results: readonly CellResult[], { beatsOf }: Against): ClientRow {
  const over = (name: string) => estimate(results.map(({ metrics }) => metrics[`clients/${name}`]))
  const mean = (name: string): number | null => over(name)?.mean ?? null
  const untrained = estimate(
    results.map(({ metrics }) => less(metrics['clients/count'], metrics['clients/trained'])),
  )
  return {
    ...{ mean: over('accuracy'), deviation: mean('deviation') },
    ...{ worst: mean('worst'), worst10: mean('worst10') },
    beatsLocal: estimate(results.map(beatsOf))?.mean ?? null,
    ...{ singleClass: mean('singleClass'), severalClasses: mean('severalClasses/accuracy') },
    ...{ untrained: untrained?.mean ?? null, trained: mean('trained/accuracy') },
  }
}

/** The value that a cell counts with. */
export const valueOf = ({ metrics, measure }: CellResult): number | undefined => metrics[measure]

/** The same of the model that its calibration corrected. */
export const beforeOf = ({ calibration, measure }: CellResult): number | undefined =>
  calibration?.before[measure]

/** On the examples that the measure is of. */
function worstOf({ measure }: CellResult, metrics: Metrics = {}): number | undefined {
  const prefix = isOfClients(measure) ? 'federated/recall/' : 'recall/'
  const recalls = Object.entries(metrics).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [value] : [],
  )
  return recalls.length === 0 ? undefined : Math.min(...recalls)
}

const less = (value: number | undefined, other: number | undefined): number | undefined =>
  value === undefined || other === undefined ? undefined : value - other

/** The value of a cell less that of the same seed among others; undefined without a pair. */
export function differenceTo(
  result: CellResult,
  others: readonly CellResult[],
): number | undefined {
  const partner = others.find(({ seed }) => seed === result.seed)
  return less(valueOf(result), partner === undefined ? undefined : valueOf(partner))
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
