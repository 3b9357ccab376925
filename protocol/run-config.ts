import { z } from 'zod'
import { configProblem } from './config-problem.js'
import { runConfigSchema, type ConfigCatalogue } from './config-schema.js'
import { FederationError } from './errors.js'
import { sha256, type Hash } from './ids.js'
import { canonicalJson, type JsonObject, type JsonValue } from './json.js'
import { fail, ok, type Result } from './result.js'

export { runConfigSchema, type ConfigCatalogue } from './config-schema.js'

/** A catalogue choice: a name and that entry's own options, checked against the entry's own schema. */
export interface Choice extends JsonObject {
  readonly name: string
}
export interface TaskConfig {
  readonly inputShape: readonly number[]
  readonly classes: readonly string[]
}
export interface OptimizerConfig {
  readonly name: string
  readonly learningRate: number
  readonly momentum: number
  readonly weightDecay: number
  /** Factor on the learning rate by round. */
  readonly schedule:
    | { readonly name: 'constant' }
    | { readonly name: 'exponential'; readonly decay: number }
    | { readonly name: 'cosine'; readonly floor: number }
  /** Largest global L2 norm of one step's gradient; null: no clipping. */
  readonly gradientClip: number | null
}
export interface TrainingConfig {
  readonly localEpochs: number
  readonly batchSize: number
  readonly optimizer: OptimizerConfig
}
export interface AggregationConfig {
  readonly rule: string
  readonly serverOptimizer: Choice
  readonly weighting: 'examples' | 'uniform'
  /** Largest weight (number of examples) one update may claim. */
  readonly maxExamples: number
  /** Largest absolute value an element of a mean group may have. Together with maxExamples and the cohort it fixes the grid. */
  readonly maxAbs: number
}
export interface CohortConfig {
  /** How many are sampled each round: a number, a fraction of those available, or everyone. */
  readonly take: { readonly size: number } | { readonly fraction: number } | 'all'
  readonly sampler: string
  readonly minReporters: number
  readonly deadlineSeconds: number
  /** How long a member that lost its connection is waited for. */
  readonly graceSeconds: number
  /** How often a round that got too few reporters is tried again before the run fails. */
  readonly attempts: number
}
/** A data set in words: a built-in name or a loader's name with a path. */
export interface DataSource {
  readonly name: string
  readonly path?: string
  readonly limit?: number
}
export interface EvaluationConfig {
  /** The held-out set on the coordinator; null: no central evaluation. */
  readonly central: DataSource | null
  readonly federated: boolean
  readonly every: number
  readonly earlyStop: {
    readonly metric: 'accuracy' | 'loss'
    readonly patience: number
    readonly minDelta: number
  } | null
}
export interface ComputeConfig {
  readonly backend: 'auto' | 'cpu' | 'wasm' | 'native' | 'cuda' | 'webgpu'
  readonly threads: number
}
/** Only for simulations and demos: where the clients' shares come from. */
export interface SimulatedDataConfig extends DataSource {
  readonly partition: string
  readonly clients: number
  /** Share of each client's examples that it keeps for testing. */
  readonly testFraction: number
}
/** The frozen, complete configuration of a run. Made by `parseRunConfig`; nothing inside falls back to a default again. */
export interface RunConfig {
  readonly name: string
  readonly task: TaskConfig
  readonly model: Choice
  /** Hash of a bundle with the initial params; null: seeded initialisation. */
  readonly startFrom: string | null
  readonly method: Choice
  readonly training: TrainingConfig
  readonly aggregation: AggregationConfig
  readonly cohort: CohortConfig
  readonly evaluation: EvaluationConfig
  readonly compute: ComputeConfig
  readonly rounds: number
  readonly seed: number
  readonly data: SimulatedDataConfig | null
}
export type RunConfigInput = { readonly [key: string]: JsonValue }

/**
 * The complete, frozen configuration of what a user wrote. `task` fills in for a task that the input leaves out. Errors:
 * `config/unknown-name`, `config/invalid` (every problem with its path, value and nearest valid key), `config/impossible`.
 */
export function parseRunConfig(
  input: unknown,
  catalogue: ConfigCatalogue,
  options: { readonly task?: TaskConfig } = {},
): Result<RunConfig> {
  const schema = runConfigSchema(catalogue)
  const parsed = schema.safeParse(input)
  if (!parsed.success)
    return fail(configProblem(parsed.error, input, runConfigJsonSchema(catalogue)))
  const task = parsed.data.task ?? options.task
  if (task === undefined) {
    return fail(
      new FederationError(
        'config/invalid',
        'task is missing: state inputShape and classes, or name data to take them from',
      ),
    )
  }
  const config = deepFreeze(JSON.parse(JSON.stringify({ ...parsed.data, task })) as RunConfig)
  const [contradiction] = contradictions(config)
  return contradiction === undefined
    ? ok(config)
    : fail(new FederationError('config/impossible', contradiction))
}

/** Settings that are each right and cannot work together. */
function contradictions({ cohort, data, evaluation, rounds }: RunConfig): readonly string[] {
  const { take, minReporters } = cohort
  const size = typeof take === 'object' && 'size' in take ? take.size : null
  const clients = data?.clients ?? null
  return [
    size !== null && minReporters > size
      ? `cohort.minReporters ${minReporters} is more than cohort.size ${size}`
      : null,
    size !== null && clients !== null && size > clients
      ? `cohort.size ${size} is more than data.clients ${clients}`
      : null,
    clients !== null && minReporters > clients
      ? `cohort.minReporters ${minReporters} is more than data.clients ${clients}`
      : null,
    evaluation.every > rounds
      ? `evaluation.every ${evaluation.every} is more than rounds ${rounds}`
      : null,
    evaluation.earlyStop !== null && evaluation.central === null && !evaluation.federated
      ? 'evaluation.earlyStop needs evaluation.central or evaluation.federated'
      : null,
  ].filter((reason) => reason !== null)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze)
    Object.freeze(value)
  }
  return value
}

/** Equal configurations have equal hashes, whatever the order of their keys. */
export const configHash = (config: RunConfig): Hash => sha256(canonicalJson(config))

/** What a user may write, as JSON Schema: the coordinator serves it, forms are drawn from it. */
export const runConfigJsonSchema = (catalogue: ConfigCatalogue): JsonObject =>
  z.toJSONSchema(runConfigSchema(catalogue), {
    io: 'input',
    unrepresentable: 'any',
  }) as unknown as JsonObject
