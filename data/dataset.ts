import type { DataCard } from '#protocol/data-card.js'

/** A whole labelled data set in memory. `features` holds `count` rows of `product(inputShape)` values, scaled to [0, 1] for images. */
export interface Dataset {
  readonly name: string
  readonly inputShape: readonly number[]
  /** Class names in label order: label i means classes[i]. */
  readonly classes: readonly string[]
  readonly count: number
  readonly features: Float32Array
  readonly labels: Int32Array
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
