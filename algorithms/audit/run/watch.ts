/** What whoever runs a cell gives to it: cells have no clock, no files and no way to draw. */

/** How far a cell is, in iterations that are about equally long. */
export interface CellProgress {
  /** The attack at work. */
  readonly method: string
  readonly done: number
  readonly total: number
}

/** A PNG as a data URL of pixels in [0, 1], row by row; `shape`: [height, width, channels]. */
export type PictureEncoder = (pixels: Float32Array, shape: readonly number[]) => Promise<string>

export interface CellWatch {
  /** Milliseconds from any origin. */
  readonly now: () => number
  readonly onProgress?: (progress: CellProgress) => void
  /** Ends the cell after the iteration in hand: it throws `audit/interrupted`. */
  readonly signal?: AbortSignal
  /** Left out: the result holds numbers alone. */
  readonly picture?: PictureEncoder
}
