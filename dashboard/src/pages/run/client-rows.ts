/** Members of a run as a table has them: from the roster, and from the attempts that are known. */
import { trains } from '#protocol/data-card.js'
import type { Attempt, MemberProgress, RunView } from '#protocol/run-views.js'
import { fateOf, type Fate } from './code-words.js'

export interface ClientRow {
  readonly slot: number
  readonly name: string
  readonly nodeId: string | null
  readonly engine: string
  /** Examples that it trains on; null: it does not say. */
  readonly examples: number | null
  /** Among the attempts that are known. */
  readonly asked: number
  readonly fates: Readonly<Record<Fate, number>>
  /** Its latest task. */
  readonly latest: (MemberProgress & { readonly round: number; readonly fate: Fate }) | null
}

export function clientRows(
  roster: RunView['roster'],
  attempts: readonly Attempt[],
  nameOf: (slot: number) => string,
): readonly ClientRow[] {
  const tasks = new Map<number, (MemberProgress & { readonly round: number })[]>()
  for (const { round, members } of attempts)
    for (const member of members) {
      const own = tasks.get(member.slot) ?? []
      tasks.set(member.slot, own)
      own.push({ ...member, round })
    }
  return roster.map(({ slot, nodeId, engine, card }) => {
    const own = tasks.get(slot) ?? []
    const fates = { asked: 0, accepted: 0, late: 0, refused: 0, failed: 0 }
    for (const task of own) fates[fateOf(task)] += 1
    const latest = own.at(-1)
    return {
      ...{ slot, nodeId, name: nameOf(slot), engine: engineText(engine), fates },
      examples: card === null ? null : trains(card) ? (card.counts?.train ?? null) : 0,
      asked: own.length,
      latest: latest === undefined ? null : { ...latest, fate: fateOf(latest) },
    }
  })
}

/** Where the version of what computes is not known yet, without it. */
export const engineText = ({ backend, version, threads }: RunView['engine']): string =>
  [
    version === 'unknown' ? backend : `${backend} ${version}`,
    threads > 1 ? `${threads} threads` : '1 thread',
  ].join(', ')
