import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FederationError } from '#protocol/errors.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { unwrap } from '#protocol/result.js'
import {
  parseRunConfig,
  type DataSource,
  type RunConfig,
  type RunConfigInput,
  type TaskConfig,
} from '#protocol/run-config.js'
import { openSource } from '#data/index.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { createStarts, withAbsoluteStart, writtenStart, type StartOf } from './start-from.js'
import { baseOf } from './studies/study-file.js'

/** `simulations/experiments` of the package: beside the sources, and beside `dist` in a build. */
function experimentsDirectory(): string {
  const isBuilt = import.meta.url.includes('/dist/')
  return fileURLToPath(
    new URL(isBuilt ? '../../../simulations/experiments/' : '../experiments/', import.meta.url),
  )
}

/** Names of the experiments that are shipped. */
export async function listExperiments(): Promise<readonly string[]> {
  const files = await readdir(experimentsDirectory())
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort()
}

/**
 * An experiment file as it was written, with `variants` and the like: a shipped experiment by name, or a JSON file.
 * `overrides` are `key.path=value`, where the value is JSON or plain text. Throws `config/unreadable`, `config/unknown-name`
 * or `usage/bad-value`.
 */
export async function readExperiment(
  nameOrPath: string,
  overrides: readonly string[] = [],
): Promise<JsonObject> {
  const isName = /^[a-z0-9-]+$/.test(nameOrPath)
  if (isName && !(await listExperiments()).includes(nameOrPath)) {
    const names = (await listExperiments()).join(', ')
    throw new FederationError(
      'config/unknown-name',
      `There is no experiment ${nameOrPath}; there are ${names}, or pass a JSON file`,
    )
  }
  const path = isName ? join(experimentsDirectory(), `${nameOrPath}.json`) : nameOrPath
  return overrides.reduce<JsonObject>(override, withAbsoluteStart(await readObject(path), path))
}

/** The configuration in an experiment file, as it was written, with its seed in its texts. Of a study, the base. Throws as `readExperiment`. */
export const readConfigInput = async (
  nameOrPath: string,
  overrides: readonly string[] = [],
): Promise<RunConfigInput> => withSeed(baseOf(await readExperiment(nameOrPath, overrides)))

/** The complete configuration. Of a study, the base. What it starts from is made or read, and kept in the user's cache. */
export const loadExperiment = async (
  nameOrPath: string,
  overrides: readonly string[] = [],
  resolvers: Resolvers = {},
): Promise<RunConfig> => completeInput(await readConfigInput(nameOrPath, overrides), resolvers)

/** What a data set's examples are. */
export type TaskOf = (source: DataSource) => Promise<TaskConfig>
/** How a configuration gets what its keys only describe. */
export interface Resolvers {
  readonly taskOf?: TaskOf
  readonly startOf?: StartOf
}
export async function taskOfData(source: DataSource): Promise<TaskConfig> {
  const { inputShape, classes } = await openSource({ ...source, split: 'test' })
  return { inputShape, classes }
}

/**
 * The complete configuration of what was written. `{seed}` inside a text is the run's seed, so that data can differ from seed
 * to seed as training does. A `task` that is not written is that of the data; a `startFrom` that is
 * an object becomes the hash of the bundle it describes, once everything else is known to be right.
 */
export async function completeInput(
  unseeded: RunConfigInput,
  { taskOf = taskOfData, startOf = createStarts() }: Resolvers = {},
): Promise<RunConfig> {
  const input = withSeed(unseeded)
  const written = writtenStart(input)
  if (written === null) return parseInput(input, taskOf)
  const config = await parseInput({ ...input, startFrom: null }, taskOf)
  return unwrap(
    parseRunConfig({ ...config, startFrom: await startOf(written, config) }, configCatalogue()),
  )
}

function withSeed(input: RunConfigInput): RunConfigInput {
  const seed = typeof input['seed'] === 'number' ? input['seed'] : 0
  const seeded = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return value.replaceAll('{seed}', String(seed))
    if (Array.isArray(value)) return value.map(seeded)
    return isJsonObject(value) ? seededObject(value) : value
  }
  const seededObject = (object: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, seeded(value)]))
  return seededObject(input)
}

async function parseInput(input: RunConfigInput, taskOf: TaskOf): Promise<RunConfig> {
  const source = 'task' in input ? null : sourceIn(input['data'])
  if (source === null) return unwrap(parseRunConfig(input, configCatalogue()))
  return unwrap(parseRunConfig(input, configCatalogue(), { task: await taskOf(source) }))
}

/** Null for what the schema will refuse. */
function sourceIn(data: JsonValue | undefined): DataSource | null {
  if (!isJsonObject(data) || typeof data['name'] !== 'string') return null
  const path = data['path']
  return { name: data['name'], ...(typeof path === 'string' ? { path } : {}) }
}

/** The JSON object in a file. Throws `config/unreadable`. */
export async function readObject(path: string): Promise<JsonObject> {
  let value: JsonValue
  try {
    value = JSON.parse(await readFile(path, 'utf8')) as JsonValue
  } catch (cause) {
    const why =
      cause instanceof SyntaxError
        ? `not JSON: ${cause.message}`
        : ((cause as NodeJS.ErrnoException).code ?? 'unreadable')
    throw new FederationError(
      'config/unreadable',
      `Cannot read the configuration ${path}: ${why}`,
      { cause },
    )
  }
  if (!isJsonObject(value))
    throw new FederationError('config/unreadable', `${path} does not hold a JSON object`)
  return value
}

/** With each `key.path=value` set. Throws `usage/bad-value`. */
export const overridden = (input: JsonObject, assignments: readonly string[]): JsonObject =>
  assignments.reduce(override, input)

/** With one `key.path=value` set; the value is JSON or plain text. Throws `usage/bad-value`. */
export function override(input: JsonObject, assignment: string): JsonObject {
  const at = assignment.indexOf('=')
  if (at < 1)
    throw new FederationError('usage/bad-value', `Expected key=value, got '${assignment}'`)
  return setAt(input, assignment.slice(0, at).split('.'), valueOf(assignment.slice(at + 1)))
}

function setAt(
  object: JsonObject,
  [key = '', ...rest]: readonly string[],
  value: JsonValue,
): JsonObject {
  const inner = Object.hasOwn(object, key) ? object[key] : undefined
  const next = rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value)
  // fromEntries defines `__proto__` as a plain key, which the schema then refuses by name.
  return Object.fromEntries([
    ...Object.entries(object).filter(([other]) => other !== key),
    [key, next],
  ])
}

function valueOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return text
  }
}
