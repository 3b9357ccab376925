/** Which runs belong together, what they reached, and in what their configurations differ. */
import type { RunRecord } from '#protocol/record.js'
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
  readonly bytesUp: number
  readonly bytesDown: number
  readonly seconds: number
}

/** Runs grouped by configuration, in the order in which a configuration first occurs. The seed does not count. */
export function groupRuns(records: readonly RunRecord[]): readonly (readonly RunRecord[])[] {
  const groups = new Map<string, RunRecord[]>()
  for (const record of records) {
    const key = JSON.stringify({ ...record.config, seed: 0 })
    groups.set(key, [...(groups.get(key) ?? []), record])
  }
  return [...groups.values()]
}

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
    bytesUp: known(summaries.map((summary) => summary.bytesUp))?.mean ?? 0,
    bytesDown: known(summaries.map((summary) => summary.bytesDown))?.mean ?? 0,
    seconds: known(summaries.map((summary) => summary.seconds))?.mean ?? 0,
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

/** The keys, sorted, whose values are not the same in all records. Names differ anyway. */
export function configurationDifferences(
  records: readonly RunRecord[],
): readonly ConfigurationDifference[] {
  const flat = records.map(configurationValues)
  const keys = [...new Set(flat.flatMap((entries) => [...entries.keys()]))].sort()
  return keys
    .map((key) => ({ key, values: flat.map((entries) => entries.get(key) ?? '–') }))
    .filter(({ key, values }) => key !== 'name' && new Set(values).size > 1)
}

/** Every key of a configuration with its value as JSON. */
export const configurationValues = ({ config }: RunRecord): ReadonlyMap<string, string> =>
  flatten(config)

function flatten(value: unknown, path = ''): Map<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]])
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, path === '' ? key : `${path}.${key}`),
    ]),
  )
}
