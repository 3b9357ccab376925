import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import { configFromRun, tidied, withValueAt } from './config-data.js'
import { listIn } from './fields.js'
import { formSchemaOf, titleOf } from './form-schema.js'
import { errorTreeOf, labelOf, messagesIn, refusalOf, stillWrong } from './refusal.js'

/** As the coordinator writes it, in small. */
const choice = (...names: readonly string[]): JsonObject => ({
  oneOf: names.map((name) => ({
    type: 'object',
    properties: {
      mu: { type: 'number', default: 0.1, description: 'Pull' },
      hidden: { type: 'array', items: { type: 'integer' }, default: [200, 200] },
      name: { type: 'string', const: name },
    },
    required: ['name'],
    additionalProperties: false,
  })),
})
const SCHEMA: JsonObject = {
  type: 'object',
  required: ['task'],
  properties: {
    task: {
      type: 'object',
      required: ['classes'],
      properties: { classes: { type: 'array', items: { type: 'string' } } },
    },
    method: { ...choice('fedavg', 'fedprox'), default: { name: 'fedavg' } },
    calibration: choice('ccvr'),
    updates: { type: 'array', items: choice('clip', 'top-k'), title: 'Update transforms' },
    training: {
      type: 'object',
      default: {},
      properties: {
        batchSize: { type: 'integer', default: 32 },
        clip: {
          anyOf: [{ type: 'number' }, { type: 'null' }],
          default: null,
          description: 'Largest norm; null: no clipping',
        },
      },
    },
    cohort: {
      type: 'object',
      default: {},
      properties: { size: { type: 'integer' }, take: {}, all: { type: 'boolean' } },
    },
    earlyStop: {
      anyOf: [{ type: 'object', properties: { patience: { type: 'integer' } } }, { type: 'null' }],
      default: null,
    },
    audit: { type: 'object', properties: { budget: { type: 'string', enum: ['a', 'b'] } } },
    data: { type: 'object', default: null },
    rounds: { type: 'integer', default: 10 },
    seed: { type: 'integer', default: 0 },
  },
}
const schema = formSchemaOf(SCHEMA)
const properties = schema.properties ?? {}

describe('the schema as the form reads it', () => {
  it('has what every run is about first, and nothing that only simulations have', () => {
    const keys = Object.keys(properties)
    expect(keys.slice(0, 4)).toEqual(['rounds', 'seed', 'task', 'method'])
    expect(keys).not.toContain('data')
    expect(Object.keys(properties['cohort']?.properties ?? {})).toEqual(['size'])
  })
  it('edits each value in its own way', () => {
    const kinds = Object.entries(properties).map(([key, each]) => [key, each['x-field']])
    expect(Object.fromEntries(kinds)).toMatchObject({
      method: 'choice',
      calibration: 'choice',
      earlyStop: 'optional',
      audit: 'optional',
    })
    expect([
      properties['training']?.['x-field'],
      properties['updates']?.items?.['x-field'],
    ]).toEqual([undefined, 'choice'])
    expect(properties['task']?.properties?.['classes']?.['x-field']).toBe('list')
  })
  it('holds no default that would be filled in, and says what null means in its stead', () => {
    expect(JSON.stringify(schema)).not.toMatch(/"default":|"oneOf":|"anyOf":/)
    expect(properties['training']?.properties?.['clip']).toMatchObject({
      ...{ type: 'number', 'x-none': 'no clipping', description: 'Largest norm', title: 'Clip' },
    })
  })
  it.each([
    ['learningRate', 'Learning rate'],
    ['scaleByT2', 'Scale by T2'],
    ['mu', 'Mu'],
  ])('calls %s %s', (key, title) => {
    expect(titleOf(key)).toBe(title)
  })
})

describe('what is sent', () => {
  it('holds nothing that nobody said', () => {
    const config = {
      training: { batchSize: undefined },
      method: { name: 'fedavg' },
      audit: {},
      updates: [{ name: 'clip', mu: undefined }],
      later: { x: 1 },
    } as unknown as JsonObject
    expect(tidied(config, schema)).toEqual({
      audit: {},
      updates: [{ name: 'clip' }],
      later: { x: 1 },
    })
  })
  it('begins with a run as a person would have written it', () => {
    const run: JsonObject = {
      task: { classes: ['a', 'b'] },
      method: { name: 'fedprox', mu: 0.1, hidden: [3] },
      training: { batchSize: 32, clip: null },
      cohort: { take: { size: 4 } },
      earlyStop: null,
      data: { name: 'mnist' },
      rounds: 12,
      seed: 0,
    }
    expect(configFromRun(run, schema)).toEqual({
      task: { classes: ['a', 'b'] },
      method: { name: 'fedprox', hidden: [3] },
      cohort: { size: 4 },
      rounds: 12,
    })
    expect(configFromRun({ cohort: { take: 'all' } }, schema)).toEqual({})
  })
  it('takes a key away with its value', () => {
    expect(withValueAt({ a: { b: 1, c: 2 } }, ['a', 'b'], undefined)).toEqual({ a: { c: 2 } })
    expect(withValueAt({}, ['a', 'b'], 1)).toEqual({ a: { b: 1 } })
  })
  it('keeps what is no number as it is written, for the coordinator to judge', () => {
    expect(listIn(' 12, x,, 3.5 ', true)).toEqual([12, 'x', 3.5])
    expect(listIn('a, b', false)).toEqual(['a', 'b'])
    expect(listIn(' , ', false)).toBeUndefined()
  })
})

describe('what the coordinator refuses', () => {
  const config: JsonObject = { method: { name: 'fedprox', mu: -1 }, updates: [{ name: 'clip' }] }
  const refuse = (...lines: readonly string[]) =>
    refusalOf(new FederationError('config/invalid', lines.join('\n')), config, schema)

  it.each([
    ['method.mu: expected ≥ 0, got -1', ['method', 'mu'], 'Expected ≥ 0, got -1'],
    ['method.hidden[1]: expected a number', ['method', 'hidden'], 'Expected a number'],
    ['method: expected one of fedavg, fedprox', ['method'], 'Expected one of fedavg, fedprox'],
    ['updates[0].mu: expected < 1', ['updates', 0, 'mu'], 'Expected < 1'],
    ['updates[0].name is missing: expected a text', ['updates', 0], 'Missing: expected a text'],
    ['task is missing: expected an object {…}', ['task'], 'Missing: expected an object {…}'],
    [
      'cohort.size 12 is more than data.clients 10',
      ['cohort', 'size'],
      'cohort.size 12 is more than data.clients 10',
    ],
  ])('%s', (line, path, message) => {
    expect(refuse(line)).toEqual({ fields: [{ path, message }], others: [] })
  })
  it.each([
    'method.nu: unknown key, with the value 1; did you mean mu?',
    'rouns: unknown key, with the value 1',
    'cohort.take: expected another form',
    'constructor: expected a number',
    '12 members × aggregation.maxExamples 3 leave fewer than 8 bits',
  ])('above the form, for no field stands for it: %s', (line) => {
    expect(refuse(line)).toEqual({ fields: [], others: [line] })
  })
  it('stands beside its field, under the name that people see', () => {
    const { fields } = refuse('updates[0].mu: expected < 1', 'updates[0].mu: and a number')
    const tree = errorTreeOf(fields)
    expect(tree).toEqual({
      updates: { 0: { mu: { __errors: ['Expected < 1', 'And a number'] } } },
    })
    expect(messagesIn(tree)).toEqual(['Expected < 1', 'And a number'])
    expect(labelOf(['updates', 0, 'mu'], config, schema)).toBe('Update transforms › 1 › Mu')
  })
  it('goes when the setting has another value, and stays when another has', () => {
    const refusal = refuse('method.mu: expected ≥ 0, got -1', 'rouns: unknown key')
    expect(stillWrong(refusal, config, { ...config, rounds: 3 })).toBe(refusal)
    const now = stillWrong(refusal, config, { ...config, method: { name: 'fedprox', mu: 1 } })
    expect([now.fields, now.others]).toEqual([[], refusal.others])
  })
})
