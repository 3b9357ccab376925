import type { z } from 'zod'
import type { Stream } from '#protocol/random.js'

/** A step between what a client's method computes and what leaves the client. One file each; `updates` lists them in order. */
export interface UpdateTransform<Options = unknown> {
  readonly name: string
  readonly options: z.ZodType<Options>
  /** What comes after it would undo what it is for: it must be the last of the list. */
  readonly last?: true
  /**
   * The tensors of all protected groups of one update, as one vector in parts. Returns new arrays of the same lengths, rounded
   * to float32. `stream` is asked once, and only by transforms with `noise`.
   */
  apply(
    parts: readonly Float32Array[],
    options: Options,
    stream: () => Stream,
  ): readonly Float32Array[]
  /**
   * Largest L2 norm after it, of vectors of `size` numbers that had at most `before`: what the coordinator checks again.
   * Infinity: none is known.
   */
  largestNorm(before: number, options: Options, size: number): number
  /** Standard deviation of the noise that it adds to every number; left out: it adds none, and the same goes in, the same comes out. */
  noise?(options: Options): number
  /** Share of the numbers that it leaves other than zero; left out: all. */
  keeps?(options: Options): number
  /** Bits that tell any number of a tensor, once its largest absolute value is known; left out: float32. */
  bits?(options: Options): number
  /** For reports: what it does with these options. A phrase. */
  describe(options: Options): string
}

/** A transform with the options that a run gives it. */
export interface ConfiguredTransform {
  readonly transform: UpdateTransform
  readonly options: unknown
}
