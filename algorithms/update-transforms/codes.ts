/** Small integers in place of numbers: what `quantize` rounds to, and how its result travels. */

export interface Scale {
  /** Largest absolute value of the tensor, a float32. */
  readonly peak: number
  readonly bits: number
}

/** Codes are −levels … levels. */
export const levelsOf = (bits: number): number => 2 ** (bits - 1) - 1

/** The nearest code. Of a value that `valueOf` made, with the same scale: exactly the code that it was made of. */
export const codeOf = (value: number, { peak, bits }: Scale): number =>
  // The sum makes zero of minus zero, which has no code of its own.
  peak === 0 ? 0 : Math.round((value * levelsOf(bits)) / peak) + 0

/** Before it is rounded to float32. The largest code is the peak itself, so that a second rounding changes nothing. */
export const valueOf = (code: number, { peak, bits }: Scale): number =>
  (code * peak) / levelsOf(bits)
