/** What carries one colour: a run, or the runs that repeat one another. */
import type { RunLine } from '#protocol/run-views.js'
import { flatConfig, labels, settingsOf, sharedConfig, type FlatConfig } from './settings.js'
import type { Compared } from './use-compared.js'

export interface Group {
  readonly id: string
  readonly label: string
  /** As `seriesLook` has it. */
  readonly look: number
  /** At least one. */
  readonly runs: readonly Compared[]
  /** Of settings without the seed, and what follows it. */
  readonly config: FlatConfig
}

export const hasRepetitions = (runs: readonly Compared[]): boolean =>
  settingsOf(runs).length < runs.length

export function groupsOf(runs: readonly Compared[], by: 'run' | 'setting'): readonly Group[] {
  const groups = (by === 'run' ? runs.map((run) => [run]) : settingsOf(runs)).flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const config = by === 'run' ? flatConfig(first.config) : sharedConfig(group)
    return [{ id: first.runId, name: first.name, runs: group, config }]
  })
  const called = labels(groups)
  return groups.map(({ id, name, runs: own, config }, look) => ({
    ...{ id, look, runs: own, config, label: called[look] ?? name },
  }))
}

const seedOf = ({ config }: Compared): string => JSON.stringify(config['seed'] ?? null)
/** `seeds 0, 1, 2` */
export const seedsText = (runs: readonly Compared[]): string =>
  `${runs.length === 1 ? 'seed' : 'seeds'} ${runs.map(seedOf).join(', ')}`

export const isUnderWay = ({ state }: Pick<RunLine, 'state'>): boolean =>
  state === 'running' || state === 'waiting'
