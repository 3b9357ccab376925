import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  configDefaultsTable,
  configHash,
  parseRunConfig,
  runConfigJsonSchema,
  type ConfigCatalogue,
} from './run-config.js'
import { unwrap } from './result.js'

const catalogue: ConfigCatalogue = {
  models: {
    mlp: z.strictObject({
      hidden: z.array(z.int().min(1)).default([200, 200]).describe('Units of each hidden layer'),
    }),
    logistic: z.strictObject({}),
  },
  methods: {
    fedavg: z.strictObject({}),
    fedprox: z.strictObject({ mu: z.number().min(0).default(0.01).describe('Pull') }),
  },
  calibrations: { ccvr: z.strictObject({}) },
  serverOptimizers: {
    sgd: z.strictObject({ learningRate: z.number().positive().default(1) }),
    adam: z.strictObject({ learningRate: z.number().positive().default(0.01) }),
  },
  clientOptimizers: {
    sgd: z.strictObject({}),
    adam: z.strictObject({ beta1: z.number().default(0.9) }),
  },
  samplers: { uniform: z.strictObject({}) },
  aggregators: { mean: z.strictObject({}) },
  updateTransforms: {
    clip: z.strictObject({ norm: z.number().positive().default(1).describe('Bound') }),
    'top-k': z.strictObject({ fraction: z.number().positive().max(1).default(0.1) }),
  },
}
const TASK = { inputShape: [28, 28, 1], classes: ['cat', 'dog'] }
const parse = (input: unknown) => parseRunConfig(input, catalogue)
const good = (input: object = {}) => unwrap(parse({ task: TASK, ...input }))
/** Code and message of a refusal, as one text. */
function refusal(input: unknown): string {
  const result = parse(input)
  return result.ok ? 'accepted' : `${result.error.code}\n${result.error.message}`
}
const refused = (input: object): string => refusal({ task: TASK, ...input })

describe('a complete configuration', () => {
  it('holds every default', () => {
    expect(good()).toEqual({
      name: 'run',
      task: TASK,
      model: { name: 'mlp', hidden: [200, 200] },
      startFrom: null,
      method: { name: 'fedavg' },
      training: {
        localEpochs: 1,
        batchSize: 32,
        optimizer: {
          name: 'sgd',
          learningRate: 0.1,
          momentum: 0,
          weightDecay: 0,
          schedule: { name: 'constant' },
          gradientClip: null,
        },
      },
      aggregation: {
        rule: 'mean',
        serverOptimizer: { name: 'sgd', learningRate: 1 },
        weighting: 'examples',
        maxExamples: 100_000,
        maxAbs: 32,
      },
      cohort: {
        take: 'all',
        sampler: 'uniform',
        minReporters: 1,
        deadlineSeconds: 600,
        graceSeconds: 15,
        attempts: 3,
      },
      evaluation: { central: null, federated: false, every: 1, earlyStop: null },
      compute: { backend: 'auto', threads: 1 },
      rounds: 10,
      seed: 0,
      data: null,
    })
  })
  it('holds the defaults of the entry that was chosen, beside what was written', () => {
    const { method, training, aggregation } = good({
      method: { name: 'fedprox' },
      training: { optimizer: { name: 'adam', schedule: { name: 'exponential', decay: 0.9 } } },
      aggregation: { serverOptimizer: { name: 'adam' } },
    })
    expect(method).toEqual({ name: 'fedprox', mu: 0.01 })
    expect(training.optimizer).toMatchObject({ learningRate: 0.1, beta1: 0.9 })
    expect(training.optimizer.schedule).toEqual({ name: 'exponential', decay: 0.9 })
    expect(aggregation.serverOptimizer).toEqual({ name: 'adam', learningRate: 0.01 })
  })
  it.each([
    [{ size: 3 }, { size: 3 }],
    [{ fraction: 0.25 }, { fraction: 0.25 }],
    [{ all: true }, 'all'],
    [{ take: { size: 3 } }, { size: 3 }],
    [{ take: 'all' }, 'all'],
    [{}, 'all'],
  ])('reads the cohort %j as take %j', (cohort, take) => {
    const parsed = good({ cohort }).cohort
    expect(parsed.take).toEqual(take)
    expect(Object.keys(parsed)).not.toContain('size')
  })
  it('is frozen all the way down', () => {
    const config = good({ data: { name: 'mnist' } })
    const parts: unknown[] = [config]
    for (const part of parts) {
      if (typeof part !== 'object' || part === null) continue
      expect(part).toSatisfy(Object.isFrozen)
      parts.push(...(Object.values(part) as unknown[]))
    }
    expect(parts.length).toBeGreaterThan(50)
  })
  it('comes back unchanged when it is parsed again', () => {
    const partial = fc.record(
      {
        name: fc.string({ minLength: 1, maxLength: 100 }),
        rounds: fc.integer({ min: 1, max: 1000 }),
        seed: fc.maxSafeNat(),
        method: fc.constantFrom({ name: 'fedavg' }, { name: 'fedprox', mu: 0.3 }),
        cohort: fc.constantFrom({ size: 2, minReporters: 2 }, { fraction: 0.5 }, { all: true }),
        training: fc.record(
          {
            localEpochs: fc.integer({ min: 1, max: 9 }),
            batchSize: fc.integer({ min: 1, max: 9 }),
          },
          { requiredKeys: [] },
        ),
        evaluation: fc.constantFrom({ federated: true }, { central: { name: 'mnist', limit: 9 } }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(partial, (input) => {
        const config = good(input)
        expect(JSON.parse(JSON.stringify(config))).toEqual(config)
        expect(unwrap(parse(JSON.parse(JSON.stringify(config))))).toEqual(config)
      }),
      { seed: 2, numRuns: 200 },
    )
  })
  it('takes the task from the options only where the input has none', () => {
    const other = { inputShape: [4], classes: ['a', 'b'] }
    expect(unwrap(parseRunConfig({}, catalogue, { task: other })).task).toEqual(other)
    expect(unwrap(parseRunConfig({ task: TASK }, catalogue, { task: other })).task).toEqual(TASK)
  })
})

describe('the hash of a configuration', () => {
  it('does not depend on the order of keys, or on defaults being written out', () => {
    const one = good({ rounds: 3, seed: 5 })
    expect(configHash(good({ seed: 5, rounds: 3 }))).toBe(configHash(one))
    expect(configHash(good({ seed: 5, rounds: 3, training: { batchSize: 32 } }))).toBe(
      configHash(one),
    )
    expect(configHash(one)).toMatch(/^[0-9a-f]{64}$/)
  })
  it('changes with every setting', () => {
    const hashes = [{}, { rounds: 3 }, { seed: 1 }, { method: { name: 'fedprox' } }].map((input) =>
      configHash(good(input)),
    )
    expect(new Set(hashes).size).toBe(4)
  })
})

describe('a shift of the features', () => {
  const data = { name: 'synthetic' }
  it('is there only where it was written, so that other configurations keep their hashes', () => {
    const plain = good({ data, evaluation: { central: data } })
    expect(plain.data).not.toHaveProperty('shift')
    expect(plain.evaluation.central).toEqual(data)
    const shift = 'mixed:none,invert'
    const shifted = good({ data: { ...data, shift }, evaluation: { central: { ...data, shift } } })
    expect(shifted.data).toEqual({ ...plain.data, shift })
    expect(shifted.evaluation.central).toEqual({ ...data, shift })
  })
})

describe('what weight decay acts on', () => {
  it('is there only where it was written, so that other configurations keep their hashes', () => {
    expect(good().training.optimizer).not.toHaveProperty('decay')
    const training = { optimizer: { weightDecay: 1e-4, decay: 'weights' } }
    expect(good({ training }).training.optimizer).toMatchObject(training.optimizer)
    expect(refused({ training: { optimizer: { decay: 'biases' } } })).toMatch(
      /training\.optimizer\.decay: expected one of/,
    )
  })
})

describe('a configuration that is not well formed', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 'mnist', /JSON object, got string/],
    ['a list', [], /JSON object/],
    ['null', null, /JSON object/],
    ['no task', {}, /task is missing: expected an object/],
    [
      'an unknown key at the top',
      { task: TASK, trainning: { a: 1 } },
      /trainning: unknown key, with the value \{"a":1\}; did you mean training\?/,
    ],
    [
      'an unknown key inside',
      { task: TASK, training: { batchsize: 8 } },
      /training\.batchsize: unknown key, with the value 8; did you mean batchSize\?/,
    ],
    [
      'a key like no other',
      { task: TASK, compute: { zzzzzz: 1 } },
      /the keys there are backend, threads/,
    ],
    [
      "a key of another entry's options",
      { task: TASK, method: { name: 'fedavg', mu: 1 } },
      /method\.mu: unknown key, with the value 1/,
    ],
    [
      'an unknown option of a choice',
      { task: TASK, method: { name: 'fedprox', nu: 1 } },
      /method\.nu: .*did you mean mu\?/,
    ],
    ['a wrong type', { task: TASK, rounds: 'many' }, /rounds: expected a number, got "many"/],
    [
      'a fraction of a round',
      { task: TASK, rounds: 1.5 },
      /rounds: expected a whole number, got 1\.5/,
    ],
    ['too few', { task: TASK, rounds: -1 }, /rounds: expected ≥ 0, got -1/],
    [
      'too much',
      { task: TASK, cohort: { fraction: 1.5 } },
      /cohort\.fraction: expected ≤ 1, got 1\.5/,
    ],
    [
      'an exclusive bound',
      { task: TASK, training: { optimizer: { name: 'sgd', learningRate: 0 } } },
      /training\.optimizer\.learningRate: expected > 0, got 0/,
    ],
    [
      'a choice as text',
      { task: TASK, method: 'fedavg' },
      /method: expected an object \{…\}, got "fedavg"/,
    ],
    [
      'two ways to size a cohort',
      { task: TASK, cohort: { size: 1, all: true } },
      /cohort: expected one of size and all, not both/,
    ],
    [
      'an element of a list',
      { task: TASK, model: { name: 'mlp', hidden: [4, 0] } },
      /model\.hidden\[1\]: expected ≥ 1, got 0/,
    ],
    [
      'a shape without dimensions',
      { task: { ...TASK, inputShape: [] } },
      /task\.inputShape: expected ≥ 1 entries/,
    ],
    [
      'a class twice',
      { task: { ...TASK, classes: ['a', 'a'] } },
      /task\.classes: expected every class name once/,
    ],
    [
      'a start that is no hash',
      { task: TASK, startFrom: 'abc' },
      /startFrom: expected the SHA-256/,
    ],
    ['__proto__', JSON.parse('{"__proto__":{"rounds":3}}'), /forbidden key/],
    [
      'a value too deep to print',
      { task: TASK, rounds: JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)) as unknown },
      /rounds: expected a number, got/,
    ],
  ])('is refused for %s', (_what, input, message) => {
    expect(refusal(input)).toMatch(/^config\/invalid\n/)
    expect(refusal(input)).toMatch(message)
  })
  it('names every problem in one message, one a line', () => {
    const message = refusal({ roundz: 1, seed: -1, task: TASK, method: { name: 'fedavgg' } })
    expect(message.split('\n')).toEqual([
      'config/invalid',
      'method.name: expected one of fedavg, fedprox, got "fedavgg"; did you mean fedavg?',
      'seed: expected ≥ 0, got -1',
      'roundz: unknown key, with the value 1; did you mean rounds?',
    ])
  })
  it.each([
    [
      { method: { name: 'FedAvg' } },
      /method\.name: expected one of fedavg, fedprox, got "FedAvg"; did you mean fedavg\?/,
    ],
    [{ model: { name: 'lstm' } }, /model\.name: expected one of mlp, logistic, got "lstm"/],
    [{ training: { optimizer: { name: 'adamw' } } }, /did you mean adam\?/],
    [{ aggregation: { serverOptimizer: { name: 'yogi' } } }, /one of sgd, adam, got "yogi"/],
    [{ aggregation: { rule: 'median' } }, /aggregation\.rule: expected one of mean/],
    [{ cohort: { sampler: 'unifrom' } }, /did you mean uniform\?/],
    [{ compute: { backend: 'webgl' } }, /did you mean webgpu\?/],
  ])('has the code config/unknown-name when only names are wrong: %j', (input, message) => {
    expect(refused(input)).toMatch(/^config\/unknown-name\n/)
    expect(refused(input)).toMatch(message)
  })
  it('never throws, whatever the JSON', () => {
    const keys = fc.constantFrom('name', 'task', 'model', 'cohort', 'training', 'data', 'x')
    const input = fc.dictionary(keys, fc.jsonValue())
    fc.assert(
      fc.property(fc.oneof(input, fc.jsonValue()), (value) => {
        expect(typeof parse(value).ok).toBe('boolean')
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})

describe('what is derived from the schema', () => {
  it('is a JSON Schema that describes every key', () => {
    const schema = runConfigJsonSchema(catalogue)
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['task'],
    })
    expect(schema['properties']).toMatchObject({
      rounds: { type: 'integer', minimum: 0, default: 10 },
      cohort: { properties: { size: { type: 'integer' }, fraction: { maximum: 1 } } },
    })
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })
  it('lists what is done to updates in order, with defaults, and changes no hash of who does nothing', () => {
    const updates = [{ name: 'top-k', fraction: 0.5 }, { name: 'clip' }, { name: 'top-k' }]
    expect(good({ updates }).updates).toEqual([
      { name: 'top-k', fraction: 0.5 },
      { name: 'clip', norm: 1 },
      { name: 'top-k', fraction: 0.1 },
    ])
    expect(Object.keys(good())).not.toContain('updates')
    expect(configHash(good({ updates: [{ name: 'clip' }] }))).not.toBe(configHash(good()))
    const refused = (list: unknown) => {
      const parsed = parse({ task: TASK, updates: list })
      return parsed.ok ? '' : parsed.error.message
    }
    expect(refused([{ name: 'clip' }, { name: 'clipp' }])).toMatch(
      /^updates\[1\].*did you mean clip\?/,
    )
    expect(refused([{ name: 'clip', nrom: 2 }])).toMatch(/^updates\[0\]\.nrom: unknown key.*norm/)
    expect(refused([{ name: 'clip', norm: 0 }])).toMatch(/^updates\[0\]\.norm: expected > 0, got 0/)
    expect(refused({ name: 'clip' })).toMatch(/^updates: expected a list/)
    expect(refused(Array.from({ length: 9 }, () => ({ name: 'clip' })))).toMatch(/≤ 8 entries/)
  })
  it('is a table with a row and a description for each key', () => {
    const rows = configDefaultsTable(catalogue)
    const row = (path: string) => rows.find((one) => one.path === path)
    expect(row('method')).toMatchObject({ type: 'fedavg | fedprox', default: '{"name":"fedavg"}' })
    expect(row('method(fedprox).mu')).toMatchObject({ type: 'number', default: '0.01' })
    expect(row('training.batchSize')).toMatchObject({ type: 'integer', default: '32' })
    expect(row('updates')).toMatchObject({ type: '(clip | top-k)[]', default: '' })
    expect(row('updates(clip).norm')).toMatchObject({ type: 'number', default: '1' })
    expect(row('evaluation.central')).toMatchObject({ default: 'null' })
    const own = rows.filter(({ path }) => !/\(|take\./.test(path))
    expect(own.filter(({ description }) => description === '')).toEqual([])
  })
})
