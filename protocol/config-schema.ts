import { z } from 'zod'

/** Option schemas by name: what the algorithms offer, handed in because this folder may not import them. */
export interface ConfigCatalogue {
  readonly models: Readonly<Record<string, z.ZodType>>
  readonly methods: Readonly<Record<string, z.ZodType>>
  readonly serverOptimizers: Readonly<Record<string, z.ZodType>>
  readonly clientOptimizers: Readonly<Record<string, z.ZodType>>
  readonly samplers: Readonly<Record<string, z.ZodType>>
  readonly aggregators: Readonly<Record<string, z.ZodType>>
}

/** One strict object per name, chosen by `name`; `common` keys are added to each. */
function choice(
  options: Readonly<Record<string, z.ZodType>>,
  common: z.ZodRawShape = {},
): z.ZodType {
  const variants = Object.entries(options).map(([name, schema]) =>
    z.strictObject({ ...(schema as z.ZodObject).shape, ...common, name: z.literal(name) }),
  )
  return z.discriminatedUnion('name', variants as unknown as [z.ZodObject, ...z.ZodObject[]])
}
const nameOf = (options: Readonly<Record<string, z.ZodType>>): z.ZodType =>
  z.enum(Object.keys(options) as [string, ...string[]])

const size = z.int().positive()
const share = z.number().gt(0).max(1)
const seconds = z
  .number()
  .positive()
  .max(7 * 86_400)

const taskSchema = z.strictObject({
  inputShape: z
    .array(size.max(1_000_000))
    .min(1)
    .max(4)
    .describe('shape of one example, without the batch'),
  classes: z
    .array(z.string().min(1).max(100))
    .min(2)
    .max(100_000)
    .describe('class names in label order'),
})

const schedule = z
  .discriminatedUnion('name', [
    z.strictObject({ name: z.literal('constant') }),
    z.strictObject({
      name: z.literal('exponential'),
      decay: z.number().gt(0).max(1).describe('factor per round'),
    }),
    z.strictObject({
      name: z.literal('cosine'),
      floor: z.number().min(0).max(1).describe('smallest factor, in the last round'),
    }),
  ])
  .default({ name: 'constant' })
  .describe('factor on the learning rate by round')

const optimizerKeys = {
  learningRate: z.number().positive().max(1000).default(0.1).describe('client learning rate'),
  momentum: z.number().min(0).lt(1).default(0).describe('momentum of a local step'),
  weightDecay: z.number().min(0).max(10).default(0).describe('weight decay added to the gradient'),
  schedule,
  gradientClip: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("largest L2 norm of a step's gradient; null: none"),
}

const training = (catalogue: ConfigCatalogue) =>
  z.strictObject({
    localEpochs: size.max(10_000).default(1).describe('passes over the local examples in a round'),
    batchSize: size.max(1_000_000).default(32).describe('examples per local step'),
    optimizer: choice(catalogue.clientOptimizers, optimizerKeys)
      .prefault({ name: 'sgd' })
      .describe('client optimizer'),
  })

const aggregation = (catalogue: ConfigCatalogue) =>
  z.strictObject({
    rule: nameOf(catalogue.aggregators).default('mean').describe('how updates become one'),
    serverOptimizer: choice(catalogue.serverOptimizers)
      .prefault({ name: 'sgd' })
      .describe('how the mean update moves the model'),
    weighting: z
      .enum(['examples', 'uniform'])
      .default('examples')
      .describe('weight of an update in the mean'),
    maxExamples: size
      .max(2 ** 31)
      .default(100_000)
      .describe('largest weight one update may claim'),
    maxAbs: z
      .number()
      .positive()
      .max(2 ** 20)
      .default(32)
      .describe('largest absolute value of an element of an update'),
  })

const take = z.union([
  z.strictObject({ size }),
  z.strictObject({ fraction: share }),
  z.literal('all'),
])
const cohort = (catalogue: ConfigCatalogue) =>
  z
    .strictObject({
      size: size.optional().describe('sample this many each round'),
      fraction: share.optional().describe('sample this share of those available'),
      all: z.literal(true).optional().describe('everyone who is available (the default)'),
      take: take.optional().describe('the same three in the form that records hold'),
      sampler: nameOf(catalogue.samplers).default('uniform').describe('how the cohort is drawn'),
      minReporters: size
        .default(1)
        .describe('a round with fewer updates is given up and tried again'),
      deadlineSeconds: seconds
        .default(600)
        .describe('when a round closes without the missing members'),
      graceSeconds: seconds
        .default(15)
        .describe('how long a member that lost its connection is waited for'),
      attempts: size.max(100).default(3).describe('tries of one round before the run fails'),
    })
    .check((context) => {
      const { size: count, fraction, all, take: taken } = context.value
      if ([count, fraction, all, taken].filter((one) => one !== undefined).length > 1) {
        context.issues.push({
          code: 'custom',
          message: 'takes one of size, fraction and all',
          input: context.value,
        })
      }
    })
    .transform(({ size: count, fraction, all: _all, take: taken, ...rest }) => ({
      take:
        taken ??
        (count === undefined
          ? fraction === undefined
            ? ('all' as const)
            : { fraction }
          : { size: count }),
      ...rest,
    }))

const source = {
  name: z
    .string()
    .min(1)
    .describe('mnist, fashion-mnist, synthetic, idx, cifar10, cifar100 or csv'),
  path: z.string().min(1).optional().describe('directory or file for the loaders that read one'),
  limit: size.optional().describe('use only the first examples'),
}
const evaluation = z.strictObject({
  central: z
    .strictObject(source)
    .nullable()
    .default(null)
    .describe('held-out data on the coordinator; null: none'),
  federated: z
    .boolean()
    .default(false)
    .describe('members score the model they receive on their own test split'),
  every: size.default(1).describe('evaluate every so many rounds, and after the last'),
  earlyStop: z
    .strictObject({
      metric: z.enum(['accuracy', 'loss']).default('loss').describe('what must improve'),
      patience: size.default(5).describe('evaluations without improvement before the run ends'),
      minDelta: z.number().min(0).default(0).describe('smallest change that counts as improvement'),
    })
    .nullable()
    .default(null)
    .describe('end the run when it no longer improves'),
})
const compute = z.strictObject({
  backend: z
    .enum(['auto', 'cpu', 'wasm', 'native', 'cuda', 'webgpu'])
    .default('auto')
    .describe('what computes; pinned where a hash is promised'),
  threads: size.max(1024).default(1).describe('threads of the backend'),
})
const data = z.strictObject({
  ...source,
  partition: z
    .string()
    .min(1)
    .default('iid')
    .describe('iid, dirichlet:0.5:seed=7, shards:2:seed=1, quantity:0.5:seed=1'),
  clients: size.max(1_000_000).default(10).describe('simulated clients'),
  testFraction: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe('share of its examples a client keeps for testing'),
})

/** The schema of what a user writes. Its output is a complete `RunConfig`, but for `task`, which may come from the data. */
export function runConfigSchema(catalogue: ConfigCatalogue) {
  return z.strictObject({
    name: z.string().min(1).max(100).default('run').describe('a name for people'),
    task: taskSchema
      .optional()
      .describe("what a node's data must be; simulations take it from their data"),
    model: choice(catalogue.models)
      .prefault({ name: 'mlp' })
      .describe('model of the zoo with its options'),
    startFrom: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'is the SHA-256 of a model bundle')
      .nullable()
      .default(null)
      .describe('initial params; null: seeded'),
    method: choice(catalogue.methods)
      .prefault({ name: 'fedavg' })
      .describe('federated method with its hyper-parameters'),
    training: training(catalogue).prefault({}),
    aggregation: aggregation(catalogue).prefault({}),
    cohort: cohort(catalogue).prefault({}),
    evaluation: evaluation.prefault({}),
    compute: compute.prefault({}),
    rounds: size.max(1_000_000).default(10).describe('training rounds'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(0)
      .describe('every random stream hangs on it'),
    data: data
      .nullable()
      .default(null)
      .describe('where simulated clients get their data; absent in deployed runs'),
  })
}
