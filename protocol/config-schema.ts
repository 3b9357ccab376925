/** The schema of a run configuration, key by key. Everything else about configurations is derived from it. */
import { z } from 'zod'
import { auditGate } from './audit-config.js'
import { cohortSchema } from './cohort-schema.js'
import { classesSchema, inputShapeSchema } from './data-card.js'
import {
  choice,
  nameOf,
  text,
  wholeNumber,
  type Choice,
  type ConfigCatalogue,
} from './config-parts.js'
import { LARGEST_PROBE } from './diagnostics.js'

export type { Choice, ConfigCatalogue } from './config-parts.js'

/** Nobody needs more; each is a pass over the model. */
const MOST_TRANSFORMS = 8

const task = z.strictObject({
  inputShape: inputShapeSchema.describe(
    'Shape of one example: [height, width, channels] or [columns]',
  ),
  classes: classesSchema.describe('Class names in label order: label i means classes[i]'),
})

const schedule = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('constant') }),
  z.strictObject({
    name: z.literal('exponential'),
    decay: z.number().positive().max(1).default(0.99).describe('Factor from one round to the next'),
  }),
  z.strictObject({
    name: z.literal('cosine'),
    floor: z.number().min(0).max(1).default(0).describe('Factor towards which the last round goes'),
  }),
])
/** Keys of every client optimizer. */
const clientOptimizerKeys = {
  learningRate: z.number().positive().max(1000).default(0.1).describe('Client learning rate'),
  momentum: z.number().min(0).lt(1).default(0).describe('Momentum; starts anew in every round'),
  weightDecay: z
    .number()
    .min(0)
    .max(10)
    .default(0)
    .describe('L2 penalty: this times the params is added to the gradient'),
  decay: z
    .enum(['all', 'weights'])
    .exactOptional()
    .describe(
      'What weightDecay acts on: weights leaves out biases and the scales of norms; left out: all params',
    ),
  schedule: schedule
    .prefault({ name: 'constant' })
    .describe(
      'Factor on the learning rate by round: constant, exponential {decay} or cosine {floor}',
    ),
  gradientClip: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("Largest global L2 norm of one step's gradient; null: no clipping"),
}
export type ClientOptimizer = z.output<
  z.ZodObject<{ name: z.ZodString } & typeof clientOptimizerKeys>
>

/** An optimizer of local training; without a catalogue any name with any options. */
export const clientOptimizerSchema = (
  catalogue: ConfigCatalogue | null,
): z.ZodType<ClientOptimizer> =>
  choice(catalogue?.clientOptimizers, clientOptimizerKeys) as unknown as z.ZodType<ClientOptimizer>

const trainingSchema = (catalogue: ConfigCatalogue | null) =>
  z.strictObject({
    localEpochs: wholeNumber(1, 10_000)
      .default(1)
      .describe("Passes over a client's examples per round"),
    batchSize: wholeNumber(1, 1_000_000)
      .default(32)
      .describe('Examples per local step; the last batch of an epoch may be smaller'),
    optimizer: clientOptimizerSchema(catalogue)
      .prefault({ name: 'sgd' } as ClientOptimizer)
      .describe('Client optimizer'),
  })

const aggregationSchema = (catalogue: ConfigCatalogue | null) =>
  z.strictObject({
    rule: nameOf(catalogue?.aggregators)
      .default('mean')
      .describe('How updates of a round become one'),
    serverOptimizer: choice(catalogue?.serverOptimizers)
      .prefault({ name: 'sgd' })
      .describe('How the combined update moves the model'),
    weighting: z
      .enum(['examples', 'uniform'])
      .default('examples')
      .describe('An update counts by its number of examples, or every update counts the same'),
    maxExamples: wholeNumber(1, 2 ** 31)
      .default(100_000)
      .describe('Largest number of examples one update may claim'),
    maxAbs: z
      .number()
      .positive()
      .max(2 ** 20)
      .default(32)
      .describe(
        'Largest absolute value of an element of an update; with maxExamples and the cohort it fixes the grid of exact sums',
      ),
  })

/** Keys of every calibration. */
const calibrationKeys = {
  when: z
    .enum(['final', 'every-eval', 'every-round'])
    .default('final')
    .describe(
      'final: once, on the trained model. every-eval: a copy of the model at every evaluation, which training does not see. every-round: after every round, and training goes on from it',
    ),
}
/** When a calibration takes place. */
export type CalibrationTime = z.output<(typeof calibrationKeys)['when']>
export interface CalibrationChoice extends Choice {
  readonly when: CalibrationTime
}
const calibrationSchema = (catalogue: ConfigCatalogue | null) =>
  choice(catalogue?.calibrations, calibrationKeys) as unknown as z.ZodType<CalibrationChoice>

const dataSourceKeys = {
  name: text.describe('A built-in data set or a loader'),
  path: text.exactOptional().describe('Where the loader finds the data'),
  limit: wholeNumber(1, 2 ** 31)
    .exactOptional()
    .describe('Use only this many examples'),
}
export const dataSource = z.strictObject({
  ...dataSourceKeys,
  shift: text
    .exactOptional()
    .describe(
      'Moves examples into domains, which metrics tell apart; always dealt at random, as by mixed',
    ),
})

const evaluation = z.strictObject({
  central: dataSource
    .nullable()
    .default(null)
    .meta({ title: 'Central test data' })
    .describe(
      'Data set whose test split the coordinator scores the model on; null: no central evaluation',
    ),
  federated: z
    .boolean()
    .default(false)
    .meta({ title: 'Score on nodes' })
    .describe('Clients score the model they receive on their own test split'),
  every: wholeNumber(1, 1_000_000)
    .default(1)
    .meta({ title: 'Rounds between evaluations' })
    .describe('Evaluate after every this many rounds, and after the last'),
  earlyStop: z
    .strictObject({
      metric: z.enum(['accuracy', 'loss']).default('loss').describe('Score to watch'),
      patience: wholeNumber(1, 1_000_000)
        .default(5)
        .describe('Evaluations without improvement before the run ends'),
      minDelta: z.number().min(0).default(0).describe('Smallest change that counts as improvement'),
    })
    .nullable()
    .default(null)
    .meta({ title: 'Stop early' })
    .describe('End the run when the score stops improving; null: never'),
  diagnostics: z
    .strictObject({
      probe: wholeNumber(8, LARGEST_PROBE)
        .default(500)
        .describe(
          'Examples of the central test split that models are compared on; at least four times the widest layer is best',
        ),
      every: wholeNumber(1, 1_000_000)
        .nullable()
        .default(null)
        .describe('Also every this many training rounds; null: only the first and the last'),
    })
    .exactOptional()
    .meta({ title: 'Layer diagnostics' })
    .describe(
      'Compares what clients trained, layer by layer, before it is averaged: clients send their whole local model in those rounds, so it costs a second upload. Needs evaluation.central',
    ),
})

export const compute = z.strictObject({
  backend: z
    .enum(['auto', 'cpu', 'wasm', 'native', 'cuda', 'webgpu'])
    .default('auto')
    .describe(
      'Compute backend; auto: every node measures and takes the fastest. Name one where equal bytes are wanted',
    ),
  threads: wholeNumber(1, 256).default(1).describe('Threads of the backend'),
})

const simulatedData = z.strictObject({
  ...dataSourceKeys,
  partition: text
    .default('iid')
    .describe('How examples are dealt to clients: NAME[:PARAMETER][:seed=N]'),
  shift: text
    .exactOptional()
    .describe(
      'Moves examples into domains that look different: mixed, split or skewed=ALPHA, then :DOMAIN,DOMAIN[:seed=N]',
    ),
  clients: wholeNumber(1, 1_000_000).default(10).describe('Number of clients'),
  testFraction: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe("Share of each client's examples that it keeps for testing"),
})

const updatesSchema = (catalogue: ConfigCatalogue | null) =>
  z
    .array(choice(catalogue?.updateTransforms))
    .max(MOST_TRANSFORMS)
    .exactOptional()
    .meta({ title: 'Update transforms' })
    .describe(
      'What is done to an update on the client, in this order, before it leaves; left out: nothing',
    )

const buildSchema = (catalogue: ConfigCatalogue | null) =>
  z.strictObject({
    name: z.string().min(1).max(100).default('run').describe('What people call the run'),
    task: task.describe("What a client's data must be"),
    model: choice(catalogue?.models)
      .prefault({ name: 'mlp' })
      .describe('The model and its options'),
    startFrom: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected the SHA-256 of a bundle: 64 hexadecimal digits')
      .nullable()
      .default(null)
      .describe(
        'Hash of a bundle with the params to start from; null: seeded initialisation. An experiment may also say {"file": PATH} or {"pretrain": {…}}',
      ),
    method: choice(catalogue?.methods)
      .prefault({ name: 'fedavg' })
      .describe('The federated method and its hyper-parameters'),
    training: trainingSchema(catalogue)
      .prefault({})
      .describe('What a client does with its examples in a round'),
    updates: updatesSchema(catalogue),
    aggregation: aggregationSchema(catalogue).prefault({}).describe('How updates change the model'),
    cohort: cohortSchema(catalogue)
      .prefault({})
      .describe('Who takes part in a round, and how long it waits'),
    evaluation: evaluation.prefault({}).describe('Where and how often the model is scored'),
    compute: compute.prefault({}).describe('What computes'),
    calibration: calibrationSchema(catalogue)
      .exactOptional()
      .describe('What corrects the model after training; left out: nothing does'),
    rounds: wholeNumber(0, 1_000_000)
      .default(10)
      .describe('Number of training rounds; 0 where a model that was trained before is calibrated'),
    seed: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .default(0)
      .describe('Seed of every random number of the run'),
    audit: auditGate
      .exactOptional()
      .meta({ title: 'Privacy audit' })
      .describe(
        'A privacy audit before the first round: the coordinator attacks updates of canaries, and the run starts only if they show no more than the threshold. Left out: none. Simulations have none either way',
      ),
    durability: z
      .enum(['durable', 'ephemeral'])
      .exactOptional()
      .describe(
        'durable (as when left out): accepted updates survive a restart of the coordinator, encrypted on its disk until their round closes. ephemeral: the key is only in memory, and a restart begins the open round anew. Simulations keep nothing either way',
      ),
    data: simulatedData
      .nullable()
      .default(null)
      .describe("Where the clients' shares come from; only for simulations and demos"),
  })

export type RunConfigSchema = ReturnType<typeof buildSchema>
const built = new WeakMap<ConfigCatalogue, RunConfigSchema>()

/** The whole configuration: what people write goes in, the complete configuration comes out. Built once per catalogue. */
export function runConfigSchema(catalogue: ConfigCatalogue): RunConfigSchema {
  const known = built.get(catalogue)
  if (known !== undefined) return known
  const schema = buildSchema(catalogue)
  built.set(catalogue, schema)
  return schema
}
/** For configurations that somebody checked with a catalogue before: names and their options are taken as they are. */
export const recordedConfigSchema = buildSchema(null)

/** Readonly all the way down; types with an index signature are readonly already. */
export type Frozen<T> = T extends readonly (infer Element)[]
  ? readonly Frozen<Element>[]
  : T extends object
    ? string extends keyof T
      ? T
      : { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

/** The frozen, complete configuration of a run. Made by `parseRunConfig`; nothing inside falls back to a default again. */
export type RunConfig = Frozen<z.output<RunConfigSchema>>
export type TaskConfig = Frozen<z.output<typeof task>>
export type OptimizerConfig = Frozen<ClientOptimizer>
export type TrainingConfig = RunConfig['training']
export type AggregationConfig = RunConfig['aggregation']
export type CohortConfig = RunConfig['cohort']
export type EvaluationConfig = RunConfig['evaluation']
export type ComputeConfig = RunConfig['compute']
/** A data set in words: a built-in name or a loader's name with a path. */
export type DataSource = Frozen<z.output<typeof dataSource>>
/** Only for simulations and demos: where the clients' shares come from. */
export type SimulatedDataConfig = Frozen<z.output<typeof simulatedData>>
