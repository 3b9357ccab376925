import type { DataCard } from '#protocol/data-card.js'
import { pickFloats } from './formats/floats.js'

/** How raw columns became features: (value - offset) / divisor, column by column. */
export interface Scaling {
  readonly kind: 'minmax' | 'standard' | 'given'
  readonly columns: readonly {
    readonly name: string
    readonly offset: number
    readonly divisor: number
  }[]
}

/** A whole labelled data set in memory. `features` holds `count` rows of `product(inputShape)` values, scaled to [0, 1] for images. */
export interface Dataset {
  readonly name: string
  /** Without the batch dimension: [height, width, channels] for images, [columns] for tables. */
  readonly inputShape: readonly number[]
  /** Class names in label order: label i means classes[i]. */
  readonly classes: readonly string[]
  readonly count: number
  readonly features: Float32Array
  readonly labels: Int32Array
  /** Only for tables whose columns were scaled. */
  readonly scaling?: Scaling
  /** Where rows come from different domains (scanners, sites): their names, and the domain of every row. */
  readonly domains?: { readonly names: readonly string[]; readonly of: Uint8Array }
}

/** Rows of a data set, by index. Cheap: shares the features of its source. */
export interface Examples {
  readonly source: Dataset
  readonly indices: Int32Array
}

/** What one client holds. `test` may be empty. */
export interface ClientData {
  readonly train: Examples
  readonly test: Examples
  readonly card: DataCard
}

export const rowSize = (inputShape: readonly number[]): number =>
  inputShape.reduce((product, size) => product * size, 1)

/** 0, 1 … count - 1. */
export const everyIndex = (count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i)

/** Every row, in order. */
export const wholeDataset = (dataset: Dataset): Examples => ({
  source: dataset,
  indices: everyIndex(dataset.count),
})

/** How many rows have each label. */
export function countLabels(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]!++
  return counts
}

/** A data set of the named rows alone, in the order of `indices`; copies them, so that the source can be freed. */
export function takeRows(dataset: Dataset, indices: Int32Array): Dataset {
  const features = pickFloats(dataset.features, rowSize(dataset.inputShape), indices)
  const labels = indices.map((row) => dataset.labels[row]!)
  const { domains, ...rest } = dataset
  return {
    ...rest,
    ...{ count: indices.length, features, labels },
    ...(domains === undefined
      ? {}
      : { domains: { ...domains, of: Uint8Array.from(indices, (row) => domains.of[row]!) } }),
  }
}
