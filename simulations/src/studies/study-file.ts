/** The keys that an experiment file may have beside those of a configuration: several methods and settings in one file. */
import { FederationError } from '#protocol/errors.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import type { RunConfigInput } from '#protocol/run-config.js'

/** A variant or a setting: its name, and what it changes. */
export interface Named {
  readonly name: string
  readonly overrides: JsonObject
}
/** An experiment file taken apart. */
export interface StudyFile {
  /** The base configuration: the file without the keys of a study. */
  readonly base: RunConfigInput
  readonly variants: readonly Named[]
  readonly settings: readonly Named[]
  /** The metric that methods are compared by; null: accuracy. */
  readonly measure: string | null
  /** The variant that gains are counted over; null: the gain of the base over each is. */
  readonly baseline: string | null
}

/** The setting of the base configuration itself. */
export const REFERENCE = 'reference'

const STUDY_KEYS = ['variants', 'settings', 'measure', 'baseline']
/** The study's own; what it varies otherwise is written once, in the base. */
const FIXED_KEYS = [...STUDY_KEYS, 'name', 'seed']
/** Names become parts of file names, on file systems that know no upper case too. */
const NAME = /^[a-z0-9]+(?:[-._][a-z0-9]+)*$/
const LONGEST_NAME = 40

/** True where one configuration becomes several runs. */
export const isStudy = (file: JsonObject): boolean =>
  Object.hasOwn(file, 'variants') || Object.hasOwn(file, 'settings')

/** The file as a configuration: what a deployed run, and a single simulated one, is made of. */
export const baseOf = (file: JsonObject): RunConfigInput =>
  Object.fromEntries(Object.entries(file).filter(([key]) => !STUDY_KEYS.includes(key)))

/** Throws `config/invalid`, naming the key. */
export function parseStudyFile(file: JsonObject): StudyFile {
  return {
    base: baseOf(file),
    variants: namedIn(file, 'variants'),
    settings: namedIn(file, 'settings'),
    measure: nameIn(file, 'measure', 'a metric'),
    baseline: nameIn(file, 'baseline', 'a variant'),
  }
}

function nameIn(file: JsonObject, key: 'measure' | 'baseline', of: string): string | null {
  const name = Object.hasOwn(file, key) ? (file[key] ?? null) : null
  if (name !== null && (typeof name !== 'string' || name === ''))
    throw invalid(`${key}: expected the name of ${of}`)
  return name
}

function namedIn(file: JsonObject, key: 'variants' | 'settings'): readonly Named[] {
  const value = Object.hasOwn(file, key) ? file[key] : undefined
  if (value === undefined) return []
  if (!isJsonObject(value) || Object.keys(value).length === 0) {
    throw invalid(
      `${key}: expected an object of names with what each changes; leave the key out where there is none`,
    )
  }
  return Object.entries(value).map(([name, overrides]) => named(key, name, overrides))
}

function named(key: string, name: string, overrides: JsonValue): Named {
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    throw invalid(
      `${key}: '${name}' is no name: expected at most ${LONGEST_NAME} lower-case letters and digits, with - . or _ between`,
    )
  }
  if (!isJsonObject(overrides) || Object.keys(overrides).length === 0)
    throw invalid(`${key}.${name}: expected an object of the keys that it changes`)
  const fixed = FIXED_KEYS.find((one) => Object.hasOwn(overrides, one))
  if (fixed !== undefined)
    throw invalid(`${key}.${name}.${fixed}: cannot be changed here, only in the base`)
  return { name, overrides }
}

const invalid = (message: string): FederationError => new FederationError('config/invalid', message)
