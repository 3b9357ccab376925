import { createStreams } from '#protocol/random.js'
import { rowSize, type Dataset } from '#data/dataset.js'
import type { Split } from '#data/loaders/loader.js'
import { checkShape, type ShiftSpec } from './shift.js'

/** Where the rows of a data set come from. */
export interface RowOrigins {
  /** Each row's number in the source: its noise hangs on it. */
  readonly rows: Int32Array
  /** Each row's domain. */
  readonly of: Uint8Array
  readonly split: Split
}

/**
 * Moves every row into its domain. Changes the features of `dataset` in place, where whole data sets need no second copy,
 * and returns them with the domains. Values are not clipped: what leaves [0, 1] stays outside. Throws data/bad-shift.
 */
export function shiftRows(
  dataset: Dataset,
  shift: ShiftSpec,
  { rows, of, split }: RowOrigins,
): Dataset {
  const { inputShape: shape, features } = dataset
  checkShape(shift, shape)
  const size = rowSize(shape)
  const streams = createStreams(shift.seed)
  const changes = shift.domains.map(({ steps }) =>
    steps.map(({ transform, parameter }) => transform.prepare(parameter, shape)),
  )
  of.forEach((domain, at) => {
    const values = features.subarray(at * size, (at + 1) * size)
    changes[domain]!.forEach((change, step) =>
      change(values, () => streams(`shift-noise-${split}`, rows[at]!, step)),
    )
  })
  return { ...dataset, domains: { names: shift.domains.map(({ name }) => name), of } }
}
