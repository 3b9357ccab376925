import type { Stream } from '#protocol/random.js'

/**
 * Changes one row in place: product(shape) values, for images in [height, width, channels] order. Never clips. `stream` gives
 * the random numbers of this row and this step alone.
 */
export type Change = (values: Float32Array, stream: () => Stream) => void

/** One way in which domains differ. One file in this folder and one line in the list. */
export interface Transform {
  /** First word of a step: `name` or `name=NUMBER`. */
  readonly name: string
  readonly usage: string
  readonly summary: string
  /** The number behind the name; null where there is none. Bounds are included. */
  readonly parameter: { readonly label: string; readonly min: number; readonly max: number } | null
  /** Why rows of this shape cannot be changed so; null: they can. Absent: any shape will do. */
  refusal?(shape: readonly number[]): string | null
  /** For rows of one shape; `parameter` is NaN where there is none. What all rows have in common is worked out once. */
  prepare(parameter: number, shape: readonly number[]): Change
}

/** Bounds of parameters that may be any number that a 32-bit float can hold with room to spare. */
export const ANY_NUMBER = { min: -1e6, max: 1e6 }

/** Every value by itself, whatever the shape. Rounded to 32 bits once. */
export const eachValue =
  (change: (value: number) => number): Change =>
  (values) => {
    for (let i = 0; i < values.length; i++) values[i] = change(values[i]!)
  }
