import sjson from 'secure-json-parse'
import { z } from 'zod'
import { conflictsOf } from './config-conflicts.js'
import { describeIssue, isUnknownName, pathOf } from './config-problems.js'
import { runConfigSchema } from './config-schema.js'
import type { ConfigCatalogue, RunConfig, TaskConfig } from './config-schema.js'
import { FederationError } from './errors.js'
import { sha256, type Hash } from './ids.js'
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from './json.js'
import { fail, ok, type Result } from './result.js'

export { runConfigSchema } from './config-schema.js'
export { configDefaultsTable } from './config-table.js'
export type {
  AggregationConfig,
  CalibrationChoice,
  CalibrationTime,
  Choice,
  CohortConfig,
  ComputeConfig,
  ConfigCatalogue,
  DataSource,
  EvaluationConfig,
  OptimizerConfig,
  RunConfig,
  SimulatedDataConfig,
  TaskConfig,
  TrainingConfig,
} from './config-schema.js'
/** What a person writes: any of the keys, as JSON. */
export type RunConfigInput = { readonly [key: string]: JsonValue }

export interface ParseRunConfigOptions {
  /** Used where the input has no `task`: simulations and demos know it from their data. */
  readonly task?: TaskConfig
}

/**
 * The complete, deeply frozen configuration from what a person (or another version) wrote. All problems are in one message,
 * one a line: config/invalid, config/unknown-name when names are all that is wrong, config/impossible when the parts do not go
 * together. A complete configuration is accepted and comes back unchanged.
 */
export function parseRunConfig(
  input: unknown,
  catalogue: ConfigCatalogue,
  { task }: ParseRunConfigOptions = {},
): Result<RunConfig> {
  if (!isJsonObject(input))
    return fail(invalid(`Expected a configuration as a JSON object, got ${typeof input}`))
  try {
    sjson.scan(input, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    return fail(
      new FederationError('config/invalid', 'The configuration holds a forbidden key', { cause }),
    )
  }
  const named = withDefaultNames(input, DEFAULT_NAMES)
  const filled = task === undefined || Object.hasOwn(named, 'task') ? named : { ...named, task }
  const parsed = runConfigSchema(catalogue).safeParse(filled, { error: describeIssue })
  if (!parsed.success) return fail(problemOf(parsed.error))
  const config = deepFreeze(parsed.data as RunConfig)
  const conflicts = conflictsOf(config)
  return conflicts.length === 0
    ? ok(config)
    : fail(new FederationError('config/impossible', conflicts.join('\n')))
}

/** Options written without a name are those of the default choice: `{"optimizer": {"momentum": 0.9}}` means SGD's. */
interface DefaultNames {
  readonly [key: string]: string | DefaultNames
}
const DEFAULT_NAMES: DefaultNames = {
  model: 'mlp',
  method: 'fedavg',
  calibration: 'ccvr',
  training: { optimizer: 'sgd' },
  aggregation: { serverOptimizer: 'sgd' },
}
function withDefaultNames(input: JsonObject, names: DefaultNames): JsonObject {
  const filled = Object.entries(names).flatMap(([key, name]) => {
    const value = Object.hasOwn(input, key) ? input[key] : undefined
    if (!isJsonObject(value)) return []
    return [[key, typeof name === 'string' ? { name, ...value } : withDefaultNames(value, name)]]
  })
  return { ...input, ...(Object.fromEntries(filled) as JsonObject) }
}

/** An input in which choices that were written without their name have that of the default choice. */
export const withChoiceNames = (input: RunConfigInput): RunConfigInput =>
  withDefaultNames(input, DEFAULT_NAMES)

const invalid = (message: string): FederationError => new FederationError('config/invalid', message)

/** All problems in one error: `config/unknown-name` when names are all that is wrong, else `config/invalid`. */
export function problemOf({ issues }: z.ZodError): FederationError {
  const code = issues.every(isUnknownName) ? 'config/unknown-name' : 'config/invalid'
  // Messages of the schemas themselves do not know where they are used.
  const sentences = issues.map(({ code: kind, path, message }) =>
    kind === 'custom' || kind === 'invalid_format' ? `${pathOf(path)}: ${message}` : message,
  )
  return new FederationError(code, sentences.join('\n'))
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}

/** Identity of a configuration: equal settings, equal hash, whatever the order of keys. */
export const configHash = (config: RunConfig): Hash => sha256(canonicalJson(config))

/** JSON Schema (2020-12) of what people write, for editors and forms. */
export const runConfigJsonSchema = (catalogue: ConfigCatalogue): JsonObject =>
  z.toJSONSchema(runConfigSchema(catalogue), { io: 'input' }) as unknown as JsonObject
