import type { RunRecord } from '#protocol/record.js'
import {
  comparisonRow,
  configurationDifferences,
  groupRuns,
  type ComparisonRow,
} from './comparison.js'
import { letterOf } from './look.js'

/** One configuration of a report: everything that it shows of it carries the letter, the colour and the marker of its place. */
export interface Subject {
  readonly place: number
  readonly letter: string
  /** The runs' name, followed by what else tells it from others of that name. Unique. */
  readonly label: string
  /** At least one. */
  readonly runs: readonly [RunRecord, ...RunRecord[]]
  readonly row: ComparisonRow
}

export function subjectsOf(records: readonly RunRecord[]): readonly Subject[] {
  const groups = groupRuns(records).flatMap(([first, ...others]) =>
    first === undefined ? [] : [[first, ...others] as const],
  )
  const firsts = groups.map(([first]) => first)
  return groups.map((runs, place) => ({
    place,
    letter: letterOf(place),
    label: labelOf(runs[0], firsts),
    runs: [...runs],
    row: comparisonRow(runs),
  }))
}

/** As few differing keys as tell apart what has the same name; the method first, because people think in methods. */
function labelOf(record: RunRecord, all: readonly RunRecord[]): string {
  const namesakes = all.filter(({ name }) => name === record.name)
  const own = namesakes.indexOf(record)
  const differences = configurationDifferences(namesakes)
    .filter(({ key }) => key !== 'seed')
    .sort((a, b) => Number(b.key === 'method.name') - Number(a.key === 'method.name'))
  const described = (place: number, keys: number): string =>
    differences
      .slice(0, keys)
      .map(({ key, values }) => `${key}=${(values[place] ?? '').replaceAll('"', '')}`)
      .join(', ')
  const isUnique = (keys: number): boolean =>
    namesakes.every((_, place) => place === own || described(place, keys) !== described(own, keys))
  const needed = differences.findIndex((_, keys) => isUnique(keys))
  const keys = needed === -1 ? differences.length : needed
  return keys === 0 ? record.name : `${record.name} (${described(own, keys)})`
}
