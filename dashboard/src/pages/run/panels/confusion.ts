import type { RoundRecord } from '#protocol/record.js'

/** Shares of each label's examples by what was predicted: rows add up to 1; null where a label has no example. */
export const confusionShares = (
  confusion: NonNullable<RoundRecord['confusion']>,
): readonly (readonly (number | null)[])[] =>
  confusion.map((row) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.map((count) => (total === 0 ? null : count / total))
  })

/** What is mistaken for what most often, in examples; null: nothing is. */
export function worstConfusion(
  confusion: NonNullable<RoundRecord['confusion']>,
): { readonly label: number; readonly predicted: number; readonly examples: number } | null {
  let worst = null
  for (const [label, row] of confusion.entries())
    for (const [predicted, examples] of row.entries())
      if (label !== predicted && examples > (worst?.examples ?? 0))
        worst = { label, predicted, examples }
  return worst
}
