import type { Bundle } from '#protocol/bundle.js'
import { float32Of } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { foldAffine } from '#algorithms/models/fold.js'
import type { Model } from '#algorithms/models/model.js'
import type { PoolShape } from './pool.js'

export interface Selection {
  readonly model: Model
  readonly shape: PoolShape
  /** The frozen params, without a head. */
  readonly backbone: Float32Array
  /** The pool's tensors by name. */
  readonly pool: Bundle
  /** Which entries, each once, at least one. */
  readonly entries: readonly number[]
}

/**
 * The plain model that these entries make of the backbone: their mean scale and shift folded into the weights before each
 * site (W' = W · s, b' = s b + t; SSF, https://arxiv.org/abs/2210.08823), their mean head as head. It predicts as FedIns does
 * for inputs that are routed to exactly these entries, and for no others. Full params of the model. Throws `usage/bad-value`.
 */
export function mergeSelection(selection: Selection): Float32Array {
  const { model, shape, backbone, pool, entries } = selection
  const known = entries.every((m) => Number.isInteger(m) && m >= 0 && m < shape.entries)
  if (entries.length === 0 || !known || new Set(entries).size !== entries.length) {
    throw new FederationError(
      'usage/bad-value',
      `Expected different entries from 0 to ${shape.entries - 1}, got ${entries.join(', ')}`,
    )
  }
  const mean = (name: string): Float32Array =>
    meanRow(float32Of(pool, name), shape.entries, entries)
  const affine = shape.sites.map(({ id }) => ({
    scale: mean(`scale/${id}`),
    shift: mean(`shift/${id}`),
  }))
  const whole = new Float32Array(model.parameterCount)
  whole.set(backbone)
  const merged = affine.length === 0 ? whole : foldAffine(model, whole, affine)
  const { width } = extractorOf(model)
  merged.set(transposed(mean('head/weight'), model.classes, width), backbone.length)
  merged.set(mean('head/bias'), backbone.length + model.classes * width)
  return merged
}

/** Mean over some rows of a matrix with `rows` rows. */
function meanRow(matrix: Float32Array, rows: number, some: readonly number[]): Float32Array {
  const width = matrix.length / rows
  return Float32Array.from(
    { length: width },
    (_, i) => some.reduce((sum, row) => sum + matrix[row * width + i]!, 0) / some.length,
  )
}

/** [rows, columns] → [columns, rows]: an entry's head has a row a class, a dense kernel a column. */
const transposed = (matrix: Float32Array, rows: number, columns: number): Float32Array =>
  matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!)
