import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from './ids.js'
import { isMessageName, parseAck, parseMessage, updateIdOf, type MessageName } from './messages.js'
import { DEFAULT_POLICY } from './policy.js'
import { unwrap } from './result.js'
import type { RunConfig } from './run-config.js'

const PLACE = { runId: 'run-0123456789ab', round: 3, attempt: 1, slot: 2 }
const LEASE = '0123456789abcdef0123456789abcdef'
const HASH = sha256('bytes')
const CARD = { inputShape: [28, 28, 1], classes: ['cat', 'dog'] }
const ENGINE = { backend: 'wasm', version: '4.22.0', threads: 1 }
const PROBLEM = { code: 'task/refused', message: 'Not with this data' } as const
const CONFIG = {
  name: 'run',
  task: CARD,
  model: { name: 'mlp', hidden: [8] },
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
    maxExamples: 1000,
    maxAbs: 32,
  },
  cohort: {
    take: { size: 2 },
    sampler: 'uniform',
    minReporters: 1,
    deadlineSeconds: 60,
    graceSeconds: 5,
    attempts: 1,
  },
  evaluation: { central: null, federated: false, every: 1, earlyStop: null },
  compute: { backend: 'wasm', threads: 1 },
  rounds: 3,
  seed: 7,
  data: null,
} satisfies RunConfig

const EXAMPLES: Record<MessageName, object> = {
  'node:hello': { version: '0.1.0', name: 'ward 7', card: CARD, policy: DEFAULT_POLICY },
  'node:progress': { runId: PLACE.runId, round: 3, slot: 2, done: 5, total: 20 },
  'update:begin': {
    ...PLACE,
    lease: LEASE,
    updateId: HASH,
    sha256: HASH,
    bytes: 4096,
    weight: 600,
    metrics: { loss: 0.25, 'recall/cat': 1 },
    engine: ENGINE,
  },
  'update:finish': { updateId: HASH },
  'task:failed': { ...PLACE, lease: LEASE, problem: PROBLEM },
  'fate:ask': PLACE,
  'round:start': {
    ...PLACE,
    lease: LEASE,
    cohort: 2,
    deadlineMs: 60_000,
    config: CONFIG,
    configHash: HASH,
    purpose: 'train',
    part: 'method',
    task: { score: true },
    shared: { hash: HASH, bytes: 4096 },
    assets: [{ name: 'backbone', hash: HASH, bytes: 9 }],
    personal: null,
    uplink: [
      {
        name: 'delta',
        tensors: [{ name: 'dense1/kernel', shape: [784, null], dtype: 'float32' }],
        reduce: 'mean',
        weight: 'examples',
        grid: { bits: 20, maxAbs: 32 },
        privacyClass: 'model-delta',
        maxBytes: 4096,
      },
    ],
    chunkBytes: 262_144,
  },
  'round:fate': { ...PLACE, fate: 'accepted' },
  'run:finished': { runId: PLACE.runId },
}
const NAMES = Object.keys(EXAMPLES) as MessageName[]
function refusal(name: MessageName, value: unknown): string {
  const result = parseMessage(name, value)
  return result.ok ? 'accepted' : `${result.error.code}: ${result.error.message}`
}
const onTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('messages', () => {
  it.each(NAMES)('%s is understood as it was sent', (name) => {
    expect(unwrap(parseMessage(name, onTheWire(EXAMPLES[name])))).toEqual(EXAMPLES[name])
  })
  it.each(NAMES)('%s is refused with one key more, or any one less', (name) => {
    expect(refusal(name, { ...EXAMPLES[name], role: 'admin' })).toMatch(
      /^message\/malformed: In .*role: unknown key/,
    )
    for (const key of Object.keys(EXAMPLES[name])) {
      const { [key]: _left, ...rest } = EXAMPLES[name] as Record<string, unknown>
      expect(refusal(name, rest)).toMatch(/^message\/malformed/)
    }
  })
  it.each<[string, MessageName, object, RegExp]>([
    ['a weight of 0', 'update:begin', { weight: 0 }, /weight: expected ≥ 1, got 0/],
    ['a weight that is not whole', 'update:begin', { weight: 1.5 }, /weight: expected a whole/],
    ['a metric that is no number', 'update:begin', { metrics: { loss: 'low' } }, /metrics\.loss/],
    ['a metric that is infinite', 'update:begin', { metrics: { loss: Infinity } }, /metrics\.loss/],
    [
      'a hash in capitals',
      'update:finish',
      { updateId: HASH.toUpperCase() },
      /updateId: expected a SHA-256/,
    ],
    [
      'an operator object for an id',
      'fate:ask',
      { runId: { $ne: null } },
      /runId: expected the id of a run/,
    ],
    ['a path for an id', 'run:finished', { runId: 'run-../../../etc' }, /id of a run/],
    ['a slot below 0', 'fate:ask', { slot: -1 }, /slot: expected ≥ 0, got -1/],
    [
      'a code that is not in the table',
      'task:failed',
      { problem: { code: 'x', message: '' } },
      /problem\.code: expected one of/,
    ],
    [
      'an unknown dtype',
      'round:start',
      {
        uplink: [
          {
            ...(EXAMPLES['round:start'] as { uplink: object[] }).uplink[0],
            tensors: [{ name: 'x', shape: [], dtype: 'complex' }],
          },
        ],
      },
      /dtype/,
    ],
    [
      'a configuration that lacks a part',
      'round:start',
      { config: { ...CONFIG, task: undefined } },
      /config\.task/,
    ],
    ['chunks of no bytes', 'round:start', { chunkBytes: 0 }, /chunkBytes: expected ≥ 1024/],
    [
      'classes that are the same',
      'node:hello',
      { card: { ...CARD, classes: ['a', 'a'] } },
      /card\.classes: expected every class name once/,
    ],
  ])('are refused for %s', (_what, name, change, message) => {
    expect(refusal(name, { ...EXAMPLES[name], ...change })).toMatch(/^message\/malformed/)
    expect(refusal(name, { ...EXAMPLES[name], ...change })).toMatch(message)
  })
  it('are refused for keys that could reach a prototype', () => {
    const hostile = (text: string) => ({
      ...EXAMPLES['round:start'],
      task: JSON.parse(text) as object,
    })
    expect(refusal('round:start', hostile('{"__proto__":{"polluted":1}}'))).toMatch(/forbidden key/)
    expect(refusal('round:start', hostile('{"constructor":{"prototype":{}}}'))).toMatch(/forbidden/)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
  it('are refused when nested without end', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as object
    expect(refusal('round:start', { ...EXAMPLES['round:start'], task: { deep } })).toMatch(/nested/)
    expect(refusal('update:finish', { updateId: deep })).toMatch(/nested/)
  })
  it('never make the decoder throw', () => {
    const name = fc.constantFrom(...NAMES)
    fc.assert(
      fc.property(name, fc.anything(), fc.string(), (which, value, key) => {
        expect(typeof parseMessage(which, value).ok).toBe('boolean')
        const changed = { ...EXAMPLES[which], [key]: value }
        expect(typeof parseMessage(which, changed).ok).toBe('boolean')
        expect(typeof parseAck(which, value).ok).toBe('boolean')
      }),
      { seed: 6, numRuns: 500 },
    )
  })
  it('have names that no inherited property can fake', () => {
    expect(isMessageName('round:start')).toBe(true)
    expect(isMessageName('toString')).toBe(false)
    expect(isMessageName('update:chunk')).toBe(false)
  })
})

describe('answers', () => {
  it('carry what the sender needs, or a problem', () => {
    const begin = { ok: true, nextChunk: 3, chunkBytes: 1024 }
    expect(unwrap(parseAck('update:begin', begin))).toEqual(begin)
    const known = { ok: true, status: 'accepted' }
    expect(unwrap(parseAck('update:begin', known))).toEqual(known)
    expect(unwrap(parseAck('fate:ask', { ok: true, fate: 'open' }))).toMatchObject({ fate: 'open' })
    const refused = { ok: false, problem: PROBLEM }
    expect(unwrap(parseAck('update:chunk', refused))).toEqual(refused)
  })
  it.each([
    ['update:begin', { ok: true, nextChunk: -1, chunkBytes: 1024 }],
    ['update:begin', { ok: true, nextChunk: 0, chunkBytes: 0 }],
    ['update:finish', { ok: true }],
    ['node:hello', { ok: false }],
    ['node:hello', undefined],
    ['fate:ask', { ok: true, fate: 'lost' }],
  ] as const)('to %s are refused when they are %j', (name, value) => {
    const result = parseAck(name, value)
    expect(result).toMatchObject({ ok: false, error: { code: 'message/malformed' } })
  })
})

describe('the id of an update', () => {
  const key = { ...PLACE, lease: LEASE, sha256: HASH }
  it('is the SHA-256 of a line that can be written down', () => {
    const line = `fl/upd/1|run-0123456789ab|3|1|2|${LEASE}|${HASH}`
    expect(updateIdOf(key)).toBe(sha256(line))
  })
  it('changes with each part', () => {
    const others = [{ round: 4 }, { attempt: 2 }, { slot: 1 }, { lease: 'f' }, { sha256: 'e' }]
    const ids = [key, ...others.map((change) => ({ ...key, ...change }))].map(updateIdOf)
    expect(new Set(ids).size).toBe(6)
  })
})
