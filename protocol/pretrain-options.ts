/** How a backbone is pre-trained: what `models pretrain` and `startFrom.pretrain` of an experiment take. */
import sjson from 'secure-json-parse'
import { z } from 'zod'
import { choice, wholeNumber } from './config-parts.js'
import { describeIssue } from './config-problems.js'
import {
  clientOptimizerSchema,
  compute,
  dataSource,
  type ClientOptimizer,
  type ConfigCatalogue,
  type Frozen,
} from './config-schema.js'
import { FederationError } from './errors.js'
import { isJsonObject, type JsonObject } from './json.js'
import { problemOf } from './run-config.js'
import { fail, ok, type Result } from './result.js'

/** What the choices are when they are written without a name, or not at all. */
const DEFAULT_CHOICES = {
  model: { name: 'mlp' },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
}

const buildSchema = (catalogue: ConfigCatalogue) =>
  z.strictObject({
    data: dataSource.describe('Public data to train on; their test split is held out'),
    model: choice(catalogue.models)
      .prefault(DEFAULT_CHOICES.model)
      .describe('The model and its options. In an experiment: the one of the run, if not written'),
    labels: z
      .enum(['class', 'domain', 'joint'])
      .default('class')
      .describe(
        "What is predicted: the data's classes, the domains of data.shift, or both at once (class · domains + domain)",
      ),
    epochs: wholeNumber(1, 10_000).default(10).describe('Passes over the data'),
    batchSize: wholeNumber(1, 1_000_000)
      .default(64)
      .describe('Examples per step; the last batch of an epoch may be smaller'),
    optimizer: clientOptimizerSchema(catalogue)
      .prefault(DEFAULT_CHOICES.optimizer as ClientOptimizer)
      .describe(
        'As training.optimizer of a run, where an epoch is what a round is there: momentum starts anew, the schedule moves on',
      ),
    keys: wholeNumber(1, 65_536)
      .nullable()
      .default(null)
      .describe(
        "Number of key vectors to place among the data's features by spherical k-means, for routing; null: none",
      ),
    seed: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .default(0)
      .describe('Seed of every random number. In an experiment: that of the run, if not written'),
    compute: compute
      .prefault({})
      .describe('What computes. In an experiment: as the run says, if not written'),
  })
type Schema = ReturnType<typeof buildSchema>
export type PretrainOptions = Frozen<z.output<Schema>>

const built = new WeakMap<ConfigCatalogue, Schema>()

/** What people write goes in, the complete options come out. Built once per catalogue. */
export function pretrainSchema(catalogue: ConfigCatalogue): Schema {
  const known = built.get(catalogue)
  if (known !== undefined) return known
  const schema = buildSchema(catalogue)
  built.set(catalogue, schema)
  return schema
}

/** The complete options from what a person wrote; all problems in one message. Never throws. */
export function parsePretrainOptions(
  input: unknown,
  catalogue: ConfigCatalogue,
): Result<PretrainOptions> {
  if (!isJsonObject(input)) {
    const message = `Expected the options of a pre-training as a JSON object, got ${typeof input}`
    return fail(new FederationError('config/invalid', message))
  }
  try {
    sjson.scan(input, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    return fail(
      new FederationError('config/invalid', 'The options hold a forbidden key', { cause }),
    )
  }
  const parsed = pretrainSchema(catalogue).safeParse(withNames(input), { error: describeIssue })
  return parsed.success ? ok(parsed.data as PretrainOptions) : fail(problemOf(parsed.error))
}

function withNames(input: JsonObject): JsonObject {
  const named = Object.entries(DEFAULT_CHOICES).flatMap(([key, defaults]) => {
    const value = Object.hasOwn(input, key) ? input[key] : undefined
    return isJsonObject(value) && !Object.hasOwn(value, 'name')
      ? [[key, { ...defaults, ...value }]]
      : []
  })
  return { ...input, ...(Object.fromEntries(named) as JsonObject) }
}
