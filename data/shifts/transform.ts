import type { Stream } from '#protocol/random.js'

/** One row that is changed. */
export interface ShiftedRow {
  /** product(shape) values, for images in [height, width, channels] order. Changed in place; never clipped. */
  readonly values: Float32Array
  readonly shape: readonly number[]
  /** The number behind the name; NaN where the transform has none. */
  readonly parameter: number
  /** Random numbers of this row and this step alone. */
  readonly stream: () => Stream
}

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
  apply(row: ShiftedRow): void
}

/** Bounds of parameters that may be any number that a 32-bit float can hold with room to spare. */
export const ANY_NUMBER = { min: -1e6, max: 1e6 }

/** Every value by itself, whatever the shape. Rounded to 32 bits once. */
export function eachValue(
  { values, parameter }: ShiftedRow,
  change: (value: number, parameter: number) => number,
): void {
  for (let i = 0; i < values.length; i++) values[i] = change(values[i]!, parameter)
}
