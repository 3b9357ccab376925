import type { RunRecord } from '#protocol/record.js'
import {
  comparisonRow,
  configurationDifferences,
  groupRuns,
  sharedConfiguration,
  type ComparisonRow,
} from './comparison.js'
import { letterOf } from './look.js'

/** One configuration of a report: everything that it shows of it carries the letter, the colour and the marker of its place. */
export interface Subject {
  readonly place: number
  readonly letter: string
  /** The runs' name, in a study without the study's, followed by what else tells it from others of that name. */
  readonly label: string
  /** At least one. */
  readonly runs: readonly [RunRecord, ...RunRecord[]]
  readonly row: ComparisonRow
  /** By key; without the seed. */
  readonly configuration: ReadonlyMap<string, string>
}

export function subjectsOf(records: readonly RunRecord[]): readonly Subject[] {
  const groups = groupRuns(records).flatMap(([first, ...others]): readonly Runs[] =>
    first === undefined ? [] : [[first, ...others]],
  )
  const study = studyOf(groups.map(([{ name }]) => name))
  return groups.map((runs, place) => ({
    place,
    letter: letterOf(place),
    label: labelOf(runs, groups, study),
    runs,
    row: comparisonRow(runs),
    configuration: sharedConfiguration(runs),
  }))
}

type Runs = Subject['runs']

/**
 * What the names of all runs begin with when they are the cells of one study: `study`, `study/variant`,
 * `study/setting/variant`. Null when they are not.
 */
export function studyOf(names: readonly string[]): string | null {
  const [study = ''] = (names[0] ?? '').split('/')
  const isCell = (name: string): boolean => name.startsWith(`${study}/`)
  return names.some(isCell) && names.every((name) => name === study || isCell(name)) ? study : null
}

/** As few differing keys as tell apart what has the same name; the method first, because people think in methods. */
function labelOf(runs: Runs, all: readonly Runs[], study: string | null): string {
  const { name } = runs[0]
  const namesakes = all.filter(([first]) => first.name === name)
  const own = namesakes.indexOf(runs)
  const differences = [...configurationDifferences(namesakes.map(sharedConfiguration))].sort(
    (a, b) => Number(b.key === 'method.name') - Number(a.key === 'method.name'),
  )
  const described = (place: number, keys: number): string =>
    differences
      .slice(0, keys)
      .map(({ key, values }) => `${key}=${short(values[place] ?? '')}`)
      .join(', ')
  const isUnique = (keys: number): boolean =>
    namesakes.every((_, place) => place === own || described(place, keys) !== described(own, keys))
  const counts = Array.from({ length: differences.length + 1 }, (_, keys) => keys)
  const keys = counts.find(isUnique) ?? differences.length
  const called = study === null ? name : cellOf(runs[0], study)
  return keys === 0 ? called : `${called} (${described(own, keys)})`
}

/** The base of a study is called by its method. */
const cellOf = ({ name, config }: RunRecord, study: string): string =>
  name === study ? config.method.name : name.slice(study.length + 1)

const LONGEST_VALUE = 24
function short(json: string): string {
  const text = json.replaceAll('"', '')
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`
}
