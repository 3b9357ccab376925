import type { z } from 'zod'
import type { Stream } from '#protocol/random.js'

/** A step between what a client's method computes and what leaves the client. One file each; `updates` lists them in order. */
export interface UpdateTransform<Options = unknown> {
  readonly name: string
  readonly options: z.ZodType<Options>
  /** The tensors of all protected groups of one update, as one vector in parts. Returns new arrays of the same lengths. */
  apply(parts: readonly Float32Array[], options: Options, stream: Stream): readonly Float32Array[]
  /** Largest L2 norm after it, of vectors of `size` numbers that had at most `before`: what the coordinator checks again. */
  largestNorm(before: number, options: Options, size: number): number
  /** For reports: what it does with these options. */
  describe(options: Options): string
  /** What an observer of the update knows of it, so that an audit matches with it. Left out: nothing that matters. */
  seen?(options: Options): SeenTransform
}

/** Gifd specification §10. */
export interface SeenTransform {
  /** L2 norm of the whole vector at which it clips. */
  readonly clipNorm?: number
  /** Standard deviation of what it adds to every number. */
  readonly deviation?: number
  /** It leaves out numbers, and which ones can be seen. */
  readonly sparse?: true
  /** It rounds numbers, by an amount that is not known beforehand. */
  readonly rounds?: true
}
