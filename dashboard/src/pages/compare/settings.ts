/** Which runs repeat one another, and in what configurations differ. */
import type { JsonObject, JsonValue } from '#protocol/json.js'

/** A run with its configuration. */
export interface Configured {
  readonly runId: string
  readonly name: string
  readonly config: JsonObject
}
/** Every key of a configuration, as `training.epochs`, with its value as JSON. */
export type FlatConfig = ReadonlyMap<string, string>

export function flatConfig(config: JsonObject): FlatConfig {
  return new Map(entriesOf(config, ''))
}
function entriesOf(value: JsonValue, path: string): readonly (readonly [string, string])[] {
  if (value === null || typeof value !== 'object' || isPlainList(value))
    return [[path, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === undefined ? [] : entriesOf(inner, path === '' ? key : `${path}.${key}`),
  )
}

/** Lists of numbers and names are read as a whole, of settings one by one. */
const isPlainList = (value: JsonValue): boolean =>
  Array.isArray(value) && value.every((one) => one === null || typeof one !== 'object')

const seedOf = ({ config }: Configured): string => JSON.stringify(config['seed'] ?? null)
/** A text with `seed=` in it may follow the seed, as `{seed}` in an experiment makes it. */
const seedless = (run: Configured, value = ''): string =>
  value.replaceAll(new RegExp(`\\bseed=${seedOf(run)}\\b`, 'g'), 'seed={seed}')

/** Runs that repeat one another, in the order in which the first of them stands; by seed within. */
export function settingsOf<Run extends Configured>(
  runs: readonly Run[],
): readonly (readonly Run[])[] {
  const settings: { readonly first: Flat; readonly group: Run[] }[] = []
  for (const run of runs) {
    const flat = { run, config: flatConfig(run.config) }
    const known = settings.find(({ first }) => isRepetition(flat, first))
    if (known === undefined) settings.push({ first: flat, group: [run] })
    else known.group.push(run)
  }
  const seed = ({ config }: Run): number => Number(config['seed'] ?? 0)
  return settings.map(({ group }) => group.toSorted((a, b) => seed(a) - seed(b)))
}

interface Flat {
  readonly run: Configured
  readonly config: FlatConfig
}
/** Equal but for the seed, and what follows from it: texts, and where those do, the bundle that a run starts from. */
function isRepetition(a: Flat, b: Flat): boolean {
  const keys = [...new Set([...a.config.keys(), ...b.config.keys()])].filter(
    (key) => key !== 'name' && key !== 'seed' && a.config.get(key) !== b.config.get(key),
  )
  const others = keys.filter((key) => key !== 'startFrom')
  return (
    others.every(
      (key) => seedless(a.run, a.config.get(key)) === seedless(b.run, b.config.get(key)),
    ) &&
    (others.length > 0 || keys.length === 0)
  )
}

/** A key in which configurations differ, with its value in each; null where one lacks it. */
export interface Difference {
  readonly key: string
  readonly values: readonly (string | null)[]
}

/** Keys whose values are not the same in all, sorted. Names differ anyway. What some lack as a whole is one of them. */
export function differences(configs: readonly FlatConfig[]): readonly Difference[] {
  const keys = [...new Set(configs.flatMap((config) => [...config.keys()]))].sort()
  const found = keys
    .map((key) => ({ key, values: configs.map((config) => config.get(key) ?? null) }))
    .filter(({ key, values }) => key !== 'name' && new Set(values).size > 1)
  const folded = new Map<string, Difference>()
  for (const one of found) {
    const whole = missingWhole(one, configs)
    const key = whole ?? one.key
    if (!folded.has(key)) folded.set(key, whole === null ? one : wholeOf(whole, configs))
  }
  return [...folded.values()]
}

/** The part of the configuration that holds the key, where some lack all of it and the others have the same. */
function missingWhole({ key, values }: Difference, configs: readonly FlatConfig[]): string | null {
  const part = key.slice(0, Math.max(0, key.lastIndexOf('.')))
  if (part === '' || new Set(values.filter((value) => value !== null)).size > 1) return null
  const isPart = (config: FlatConfig): boolean =>
    [...config.keys()].some((one) => one.startsWith(`${part}.`))
  return configs.every((config, i) => isPart(config) === (values[i] !== null)) ? part : null
}
/** By its name where it has one, and how much more there is. */
function wholeOf(part: string, configs: readonly FlatConfig[]): Difference {
  return {
    key: part,
    values: configs.map((config) => {
      const inner = [...config].filter(([key]) => key.startsWith(`${part}.`))
      if (inner.length === 0) return null
      const [key = '', value = ''] = inner.find(([one]) => one === `${part}.name`) ?? inner[0] ?? []
      const shown = key === `${part}.name` ? value : `${key.slice(part.length + 1)}: ${value}`
      return inner.length === 1 ? shown : `${shown}, … (${inner.length})`
    }),
  }
}

/** What runs of one setting share. */
export function sharedConfig(runs: readonly Configured[]): FlatConfig {
  const all = runs.map(({ config }) => flatConfig(config))
  const shared = [...(all[0] ?? [])].flatMap(([key, value]): (readonly [string, string])[] => {
    if (key === 'seed') return []
    return [[key, all.every((config) => config.get(key) === value) ? value : 'follows the seed']]
  })
  return new Map(shared)
}

/** Names, and behind those that occur twice as few differing settings as tell them apart; the method first. */
export function labels(
  named: readonly { readonly name: string; readonly config: FlatConfig }[],
): readonly string[] {
  return named.map((own) => {
    const namesakes = named.filter(({ name }) => name === own.name)
    if (namesakes.length === 1) return own.name
    const place = namesakes.indexOf(own)
    const differing = differences(namesakes.map(({ config }) => config)).toSorted(
      (a, b) => Number(b.key === 'method.name') - Number(a.key === 'method.name'),
    )
    const described = (of: number, keys: number): string =>
      differing
        .slice(0, keys)
        .map(({ key, values }) => `${key.split('.').at(-1) ?? key}=${plain(values[of] ?? null)}`)
        .join(', ')
    const isUnique = (keys: number): boolean =>
      namesakes.every((_, of) => of === place || described(of, keys) !== described(place, keys))
    const keys = differing.findIndex((_, count) => count > 0 && isUnique(count))
    const text = described(place, keys < 0 ? differing.length : keys)
    return text === '' ? `${own.name} (${place + 1})` : `${own.name} (${text})`
  })
}

const LONGEST_VALUE = 24
function plain(json: string | null): string {
  const text = (json ?? '–').replaceAll('"', '')
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`
}
