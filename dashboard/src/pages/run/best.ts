import type { Curve } from '#protocol/run-views.js'

/** The best value of a curve, and the first round that had it; null: it has none. */
export function bestOf(
  { rounds, values }: Pick<Curve, 'rounds' | 'values'>,
  which: 'largest' | 'smallest',
): { readonly round: number; readonly value: number } | null {
  const sign = which === 'largest' ? 1 : -1
  let best: { readonly round: number; readonly value: number } | null = null
  for (const [i, value] of values.entries())
    if (value !== null && (best === null || sign * value > sign * best.value))
      best = { round: rounds[i] ?? 0, value }
  return best
}
