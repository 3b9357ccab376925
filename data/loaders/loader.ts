import type { Scaling } from '#data/dataset.js'

export type Split = 'train' | 'test'

/** What a loader is asked for. */
export interface LoadRequest {
  /** The path of the source, without its options; empty where the loader takes none. */
  readonly path: string
  /** `key=value` options at the end of the path. Only keys that the loader lists arrive here. */
  readonly options: Readonly<Record<string, string>>
  readonly split: Split
  /** At most so many rows, the first of the set. Infinity: all of them. */
  readonly limit: number
}

/**
 * An opened data set: every label, and features on demand. A node that owns a few rows of a large set reads compact bytes
 * and turns only its own rows into floats.
 */
export interface LabelledRows {
  readonly inputShape: readonly number[]
  readonly classes: readonly string[]
  readonly labels: Int32Array
  /** Rows in the order of `indices`: indices.length × product(inputShape) values, which are the caller's to change. */
  features(indices: Int32Array): Promise<Float32Array>
  readonly scaling?: Scaling
}

/** One kind of data. One file in this folder and one line in the list. */
export interface Loader {
  /** First word of a source: `name[:path][:key=value…]`. */
  readonly name: string
  readonly usage: string
  readonly summary: string
  readonly path: 'none' | 'optional' | 'required'
  readonly options: readonly string[]
  /** Whether the source alone says how to make the same rows again on another machine. */
  readonly reproducible: boolean
  /** Throws data/not-found, data/corrupt or usage/bad-value. Reads no more than split and limit ask for. */
  open(request: LoadRequest): Promise<LabelledRows>
}
