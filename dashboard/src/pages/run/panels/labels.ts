/** Which labels clients hold, as far as their data cards tell. */
import type { RunView } from '#protocol/run-views.js'

export interface Labels {
  /** Clients that tell how many examples they have of each class. */
  readonly clients: readonly string[]
  /** clients × classes. */
  readonly counts: readonly (readonly number[])[]
  /** The same as shares of what each client holds. */
  readonly shares: readonly (readonly number[])[]
  /** Clients that do not tell. */
  readonly silent: number
  /** Examples of all that tell. */
  readonly examples: number
  /**
   * How far clients' labels lie from those of all: mean total variation, every client counting once. 0: all have the same
   * mixture; towards 1: each has classes that no other has. Null for fewer than two.
   */
  readonly skew: number | null
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

export function labelsOf({ roster, config }: Pick<RunView, 'roster' | 'config'>): Labels {
  const classes = config.task.classes
  const told = roster.flatMap(({ name, slot, card }) => {
    const perClass = card?.counts?.perClass
    return perClass?.length === classes.length ? [{ name, slot, perClass }] : []
  })
  const isTwice = new Set(told.map(({ name }) => name)).size < told.length
  const counts = told.map(({ perClass }) => perClass)
  const shares = counts.map(sharesOf)
  return {
    clients: told.map(({ name, slot }) => (isTwice ? `${name} (${slot})` : name)),
    ...{ counts, shares },
    silent: roster.length - told.length,
    examples: sum(counts.map(sum)),
    skew: skewOf(counts),
  }
}

function sharesOf(counts: readonly number[]): readonly number[] {
  const all = sum(counts)
  return counts.map((count) => (all === 0 ? 0 : count / all))
}

function skewOf(counts: readonly (readonly number[])[]): number | null {
  const held = counts.filter((own) => sum(own) > 0)
  if (held.length < 2) return null
  const all = sharesOf((held[0] ?? []).map((_, i) => sum(held.map((own) => own[i] ?? 0))))
  const distances = held.map((own) => {
    const shares = sharesOf(own)
    return sum(all.map((share, i) => Math.abs(share - (shares[i] ?? 0)))) / 2
  })
  return sum(distances) / distances.length
}
