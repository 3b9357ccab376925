/** A run's log: what happened while the page was open, and what it asked for of before. */
import type { RunEvent } from '#protocol/ui-messages.js'

/** In order, none twice, and without a gap where both lists are. */
export function joined(
  earlier: readonly RunEvent[],
  live: readonly RunEvent[],
): readonly RunEvent[] {
  const last = earlier.at(-1)?.seq ?? 0
  return [...earlier, ...live.filter(({ seq }) => seq > last)]
}

/** Number of the first event that all later ones are there from; null: there is none. */
export function firstWithoutGap(events: readonly RunEvent[]): number | null {
  let first = events.at(-1)?.seq ?? null
  for (let i = events.length - 2; i >= 0 && first !== null; i -= 1) {
    const { seq } = events[i] ?? { seq: -1 }
    if (seq !== first - 1) return first
    first = seq
  }
  return first
}
