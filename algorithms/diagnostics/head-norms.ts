/**
 * How long the head's class vectors are, and whether that follows what a client has many examples of (ccvr specification
 * §11.2: heads trained on skewed labels favour the classes that they have seen).
 */
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { RosterEntry } from '#protocol/record.js'
import { headLayout } from '#algorithms/models/backbone.js'
import type { Model } from '#algorithms/models/model.js'

type LocalDiagnostics = NonNullable<Diagnostics['local']>
type Measured = number | null

/**
 * The vectors that the head of a model multiplies features with: its kernel, [features, classes] row by row. `params` are all
 * of the model's. A head without bias scales its vectors to length 1 (blocks/dense.ts), and so they are here.
 */
export function headVectors(model: Model, params: Float32Array): Float32Array {
  const { params: tensors, parameterCount } = headLayout(model)
  const own = params.subarray(params.length - parameterCount)
  const kernel = own.slice(0, parameterCount - (tensors.length === 1 ? 0 : model.classes))
  if (tensors.length > 1) return kernel
  const norms = columnNorms(kernel, model.classes)
  return kernel.map((value, at) => value / (norms[at % model.classes]! || 1))
}

/** ‖W[:, c]‖₂ of each class, of a kernel [features, classes]. */
export function columnNorms(kernel: ArrayLike<number>, classes: number): number[] {
  const squares = new Array<number>(classes).fill(0)
  for (let at = 0; at < kernel.length; at++) squares[at % classes]! += kernel[at]! ** 2
  return squares.map(Math.sqrt)
}

/** Pearson's correlation; null where one of the two does not vary. */
export function pearson(a: readonly number[], b: readonly number[]): Measured {
  const [x, y] = [offsets(a), offsets(b)]
  const product = inner(x, y) / Math.sqrt(inner(x, x) * inner(y, y))
  return Number.isFinite(product) ? Math.max(-1, Math.min(1, product)) : null
}
const inner = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)
function offsets(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map((value) => value - mean)
}

/** Longest over shortest; null where the shortest is 0 or one is not known. */
export function normRatio(norms: readonly Measured[]): Measured {
  const known = norms.filter((norm) => norm !== null)
  const ratio = Math.max(...known) / Math.min(...known)
  return known.length === norms.length && Number.isFinite(ratio) ? ratio : null
}

/** Beside the norms of local heads, what those clients have. All in the order of `local.slots`. */
export interface HeadBias {
  /** Examples by class; null where a client does not tell. */
  readonly counts: readonly (readonly number[] | null)[]
  /** Pearson's correlation of a client's norms with its counts; null where one of the two does not vary or is not known. */
  readonly correlations: readonly Measured[]
  /** Mean of those that are known; null where none is. */
  readonly meanCorrelation: Measured
  /** Longest over shortest class vector of each local head. */
  readonly ratios: readonly Measured[]
}

export function headBias(
  { slots, headNorms }: Pick<LocalDiagnostics, 'slots' | 'headNorms'>,
  roster: readonly Pick<RosterEntry, 'slot' | 'card'>[],
): HeadBias {
  const cards = new Map(roster.map(({ slot, card }) => [slot, card]))
  const counts = slots.map((slot) => cards.get(slot)?.counts?.perClass ?? null)
  const correlations = headNorms.map((norms, i) => correlation(norms, counts[i] ?? null))
  const known = correlations.filter((value) => value !== null)
  return {
    counts,
    correlations,
    meanCorrelation:
      known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    ratios: headNorms.map(normRatio),
  }
}

function correlation(norms: readonly Measured[], counts: readonly number[] | null): Measured {
  const known = norms.filter((norm) => norm !== null)
  if (counts === null || known.length !== counts.length) return null
  return pearson(known, counts)
}
