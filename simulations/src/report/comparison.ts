/** Which runs belong together, what they reached, and in what their configurations differ. */
import type { RunRecord } from '#protocol/record.js'
import { calibrationMeans, type CalibrationMeans } from './calibration.js'
import { clientMeans, type ClientMeans } from './clients.js'
import { meanAndSpread, type Spread } from './numbers.js'
import { latestMetric, summarise } from './summary.js'

/** Runs that differ in nothing but their seed, side by side as one. */
export interface ComparisonRow {
  readonly name: string
  readonly method: string
  readonly model: string
  /** Run ids, and their seeds in the same order. */
  readonly runs: readonly string[]
  readonly seeds: readonly number[]
  /** Of the longest run. */
  readonly rounds: number
  /** Means over the runs in which something was measured; null where that is none. */
  readonly accuracy: number | null
  /** Sample standard deviation of the accuracy; 0 for one run. */
  readonly spread: number | null
  readonly loss: number | null
  /** Accuracy of the worst and of the best served client, where clients scored the final model. */
  readonly lowestClient: number | null
  readonly highestClient: number | null
  /** How evenly clients are served; null where they scored nothing. */
  readonly clients: ClientMeans | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly seconds: number
  /** Null where no run was calibrated. */
  readonly calibration: CalibrationMeans | null
}

/**
 * Runs that differ in nothing but their seed and what follows from it, in the order in which the first of
 * them occur; within a group by seed.
 */
export function groupRuns(records: readonly RunRecord[]): readonly (readonly RunRecord[])[] {
  const groups: RunRecord[][] = []
  for (const record of records) {
    const group = groups.find(([first]) => first !== undefined && isRepetition(record, first))
    if (group === undefined) groups.push([record])
    else group.push(record)
  }
  return groups.map((runs) => runs.toSorted((a, b) => a.config.seed - b.config.seed))
}

/**
 * Equal but for the seed. Texts with `seed=` may follow it, as `{seed}` in an experiment makes them; and where data do, so
 * may the bundle that a run starts from.
 */
function isRepetition(a: RunRecord, b: RunRecord): boolean {
  const [left, right] = [configurationValues(a), configurationValues(b)]
  const different = [...new Set([...left.keys(), ...right.keys()])].filter(
    (key) => key !== 'seed' && left.get(key) !== right.get(key),
  )
  const others = different.filter((key) => key !== 'startFrom')
  return (
    others.every((key) => seedless(a, left.get(key)) === seedless(b, right.get(key))) &&
    (others.length > 0 || different.length === 0)
  )
}
const seedless = ({ config }: RunRecord, value = ''): string =>
  value.replaceAll(new RegExp(`\\bseed=${config.seed}\\b`, 'g'), 'seed={seed}')

export function comparisonRow(records: readonly RunRecord[]): ComparisonRow {
  const summaries = records.map(summarise)
  const [first] = records
  const accuracy = known(summaries.map((summary) => summary.accuracy))
  const client = (end: 'lowest' | 'highest') =>
    known(records.map(({ rounds }) => latestMetric(rounds, `federated/${end}Accuracy`)))?.mean
  return {
    name: first?.name ?? '',
    method: first?.config.method.name ?? '',
    model: first?.config.model.name ?? '',
    runs: records.map((record) => record.runId),
    seeds: records.map((record) => record.config.seed),
    rounds: Math.max(...summaries.map((summary) => summary.rounds)),
    accuracy: accuracy?.mean ?? null,
    spread: accuracy?.spread ?? null,
    loss: known(summaries.map((summary) => summary.loss))?.mean ?? null,
    lowestClient: client('lowest') ?? null,
    highestClient: client('highest') ?? null,
    clients: clientMeans(summaries.map((summary) => summary.clients)),
    bytesUp: known(summaries.map((summary) => summary.bytesUp))?.mean ?? 0,
    bytesDown: known(summaries.map((summary) => summary.bytesDown))?.mean ?? 0,
    seconds: known(summaries.map((summary) => summary.seconds))?.mean ?? 0,
    calibration: calibrationMeans(summaries.map((summary) => summary.calibration)),
  }
}

/** Over the values that are there; null if none is. */
function known(values: readonly (number | null)[]): Spread | null {
  const there = values.filter((value) => value !== null)
  return there.length === 0 ? null : meanAndSpread(there)
}

/** One configuration key in which records differ, with its value in each as JSON; '–' where a configuration lacks it. */
export interface ConfigurationDifference {
  readonly key: string
  readonly values: readonly string[]
}

/** The keys, sorted, whose values are not the same in all configurations. Names differ anyway. */
export function configurationDifferences(
  configurations: readonly ReadonlyMap<string, string>[],
): readonly ConfigurationDifference[] {
  const keys = [...new Set(configurations.flatMap((values) => [...values.keys()]))].sort()
  return keys
    .map((key) => ({ key, values: configurations.map((values) => values.get(key) ?? '–') }))
    .filter(({ key, values }) => key !== 'name' && new Set(values).size > 1)
}

/** Every key of a configuration with its value as JSON. */
export const configurationValues = ({ config }: RunRecord): ReadonlyMap<string, string> =>
  flatten(config)

/** The same for repetitions of one configuration, without the seed; `{seed}` stands where values follow it. */
export function sharedConfiguration(runs: readonly RunRecord[]): ReadonlyMap<string, string> {
  const all = runs.map(configurationValues)
  const shared = [...(all[0] ?? [])].map(([key, value]) => {
    if (all.every((values) => values.get(key) === value)) return [key, value] as const
    const [text, ...others] = new Set(runs.map((run, i) => seedless(run, all[i]?.get(key))))
    return [key, others.length === 0 ? (text ?? '') : 'follows the seed'] as const
  })
  return new Map(shared.filter(([key]) => key !== 'seed'))
}

function flatten(value: unknown, path = ''): Map<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]])
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, path === '' ? key : `${path}.${key}`),
    ]),
  )
}
