/** The features of a client's examples, class by class, so that the statistics of one class at a time are in the making. */
import type { Examples } from '#data/dataset.js'
import { forBatches } from '#algorithms/evaluation/evaluate.js'
import type { Predictor } from '#algorithms/methods/method.js'
import type { RowTransform } from './transform.js'

/** Which classes a client tells about, and which of its examples these are. */
export interface HeldClasses {
  /** Labels ascending, each with its examples in their own order, ≥ minCount and ≥ 1. */
  readonly classes: readonly { readonly label: number; readonly examples: Examples }[]
  readonly dropped: Dropped
}
/** What was left out because a class has too few examples. */
export interface Dropped {
  readonly classes: number
  readonly examples: number
}

/** Leaves out classes of which there are fewer than `minCount` examples. */
export function heldClasses({ source, indices }: Examples, minCount: number): HeldClasses {
  const byLabel = new Map<number, number[]>()
  for (const row of indices) {
    const label = source.labels[row]!
    const rows = byLabel.get(label) ?? []
    rows.push(row)
    byLabel.set(label, rows)
  }
  const all = [...byLabel].sort(([a], [b]) => a - b)
  const kept = all.filter(([, rows]) => rows.length >= minCount)
  const examples = kept.reduce((sum, [, rows]) => sum + rows.length, 0)
  return {
    classes: kept.map(([label, rows]) => ({
      label,
      examples: { source, indices: Int32Array.from(rows) },
    })),
    dropped: { classes: all.length - kept.length, examples: indices.length - examples },
  }
}

/** What makes features, and what becomes of them before they are counted. */
export interface FeatureSource {
  /** [batch, ...inputShape] → [batch, width], in inference mode. */
  readonly predict: Predictor
  readonly width: number
  readonly transform: RowTransform
}

/** Rows of a block: what is done once for each block costs as much as one row or two. */
export const BLOCK_ROWS = 128

/** Visits the features of examples in order, in blocks. The rows are valid until the visit returns: they are used again. */
export async function forFeatureBlocks(
  source: FeatureSource,
  examples: Examples,
  visit: (rows: readonly Float64Array[]) => void,
): Promise<void> {
  const rows = Math.min(BLOCK_ROWS, examples.indices.length)
  const buffer = Array.from({ length: rows }, () => new Float64Array(source.width))
  let filled = 0
  await forBatches(source.predict, examples, (features) => {
    const row = buffer[filled++]!
    row.set(features)
    source.transform(row)
    if (filled < BLOCK_ROWS) return
    visit(buffer)
    filled = 0
  })
  if (filled > 0) visit(buffer.slice(0, filled))
}
