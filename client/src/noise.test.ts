import { describe, expect, it } from 'vitest'
import type { TaskMessage } from '#protocol/messages.js'
import { noiseKey, noiseOf } from './noise.js'

const HASH = 'a'.repeat(64)
const asked = (change: object = {}): TaskMessage =>
  ({
    ...{ runId: 'run-4k7m2p9qx0ab', round: 3, attempt: 1, slot: 2, configHash: HASH, cohort: 5 },
    ...{ lease: 'b'.repeat(32), deadlineMs: 1000, part: 'method', task: { step: 1 }, uplink: [] },
    ...{ shared: { hash: HASH, bytes: 8 }, assets: [], personal: null },
    ...change,
  }) as unknown as TaskMessage
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i)
const drawn = (secret: Uint8Array, task: TaskMessage, index = 0): readonly number[] => {
  const stream = noiseOf(noiseKey(secret, task, null))(index)
  return [stream.normal(), stream.normal(), stream.normal()]
}

describe('the noise of a node', () => {
  it('is the same for the same training, also under another lease, in another attempt', () => {
    const first = drawn(SECRET, asked())
    expect(drawn(SECRET, asked({ attempt: 2 }))).toEqual(first)
    expect(drawn(SECRET, asked())).toEqual(first)
    expect(drawn(SECRET, asked({ lease: 'c'.repeat(32), deadlineMs: 5, cohort: 9 }))).toEqual(first)
  })

  it.each([
    ['run', { runId: 'run-4k7m2p9qx0ac' }],
    ['round', { round: 4 }],
    ['slot', { slot: 3 }],
    ['model to train', { shared: { hash: 'd'.repeat(64), bytes: 8 } }],
    ['asset', { assets: [{ name: 'x', hash: HASH, bytes: 1 }] }],
    ['personal bundle', { personal: { hash: HASH, bytes: 1 } }],
    ['configuration', { configHash: 'e'.repeat(64) }],
    ['task', { task: { step: 2 } }],
    ['part', { part: 'calibration' }],
  ])('is another for another %s: differences of answers have noise, too', (_, change) => {
    expect(drawn(SECRET, asked(change))).not.toEqual(drawn(SECRET, asked()))
  })

  it('is another where a client begins with another memory', () => {
    const keys = [null, Uint8Array.of(1), Uint8Array.of(2)].map((memory) =>
      noiseKey(SECRET, asked(), memory).join(),
    )
    expect(new Set(keys).size).toBe(3)
  })

  it('is another for every transform and every secret', () => {
    expect(drawn(SECRET, asked(), 1)).not.toEqual(drawn(SECRET, asked(), 0))
    expect(drawn(new Uint8Array(32), asked())).not.toEqual(drawn(SECRET, asked()))
  })
})
