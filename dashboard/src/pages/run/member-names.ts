import type { RunView } from '#protocol/run-views.js'

/** What members are called. One who has just joined is not in the roster yet; of two of one name the number is told too. */
export function nameIn(roster: RunView['roster']): (slot: number) => string {
  const names = new Map(roster.map(({ slot, name }) => [slot, name]))
  const times = new Map<string, number>()
  for (const { name } of roster) times.set(name, (times.get(name) ?? 0) + 1)
  return (slot) => {
    const name = names.get(slot)
    if (name === undefined) return `member ${slot}`
    return (times.get(name) ?? 0) > 1 ? `${name} (${slot})` : name
  }
}
