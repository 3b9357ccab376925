import type { JsonObject, JsonValue } from './json.js'

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
  readonly schedule: { readonly name: 'constant' } | { readonly name: 'exponential'; readonly decay: number } | { readonly name: 'cosine'; readonly floor: number }
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
  readonly earlyStop: { readonly metric: 'accuracy' | 'loss'; readonly patience: number; readonly minDelta: number } | null
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
