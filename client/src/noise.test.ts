import { describe, expect, it } from 'vitest'
import type { TaskMessage } from '#protocol/messages.js'
import { applyTransforms } from '#algorithms/update-transforms/apply.js'
import { clip } from '#algorithms/update-transforms/clip.js'
import { gaussianNoise } from '#algorithms/update-transforms/gaussian-noise.js'
import type { ConfiguredTransform } from '#algorithms/update-transforms/update-transform.js'
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
const DELTA = [Float32Array.of(0.5, -0.25, 0.125), Float32Array.of(1, 2)]
const noise = (stddev: number): ConfiguredTransform => ({
  transform: gaussianNoise,
  options: { stddev },
})
const wide: ConfiguredTransform = {
  transform: clip,
  options: { norm: 1e6 },
}

interface Sent {
  readonly secret?: Uint8Array
  readonly task?: TaskMessage
  readonly delta?: readonly Float32Array[]
  readonly transforms?: readonly ConfiguredTransform[]
}
/** What leaves the node. */
const sent = (what: Sent = {}): readonly number[] => {
  const { secret = SECRET, task = asked(), delta = DELTA, transforms = [noise(1)] } = what
  const parts = applyTransforms(delta, transforms, noiseOf(noiseKey(secret, task)))
  return parts.flatMap((part) => [...part])
}
/** What of it is noise. */
const drawn = (what: Sent = {}): readonly number[] => {
  const before = (what.delta ?? DELTA).flatMap((part) => [...part])
  return sent(what).map((value, i) => value - before[i]!)
}
const areFar = (one: readonly number[], other: readonly number[]): boolean =>
  one.every((value, i) => Math.abs(value - other[i]!) > 1e-3)

describe('the noise of a node', () => {
  it.each([
    ['lease', { lease: 'c'.repeat(32), deadlineMs: 5, cohort: 9 }],
    ['attempt', { attempt: 2 }],
    ['configuration that trains the same', { configHash: 'e'.repeat(64) }],
    ['task with a key that no method reads', { task: { step: 1, extra: 2 } }],
    ['asset', { assets: [{ name: 'x', hash: HASH, bytes: 1 }] }],
    ['model whose update is the same', { shared: { hash: 'd'.repeat(64), bytes: 8 } }],
  ])('is the same for the same update under another %s: nobody gets two noisings', (_, change) => {
    expect(sent({ task: asked(change) })).toEqual(sent())
  })

  it('is the same where a transform before it does nothing', () => {
    expect(sent({ transforms: [wide, noise(1)] })).toEqual(sent())
  })

  it.each([
    ['run', { runId: 'run-4k7m2p9qx0ac' }],
    ['round', { round: 4 }],
    ['slot', { slot: 3 }],
  ])('is another for another %s', (_, change) => {
    expect(areFar(drawn({ task: asked(change) }), drawn())).toBe(true)
  })

  it('is another for another update, as after the owner changed the data: the difference has noise', () => {
    const delta = [DELTA[0]!, Float32Array.of(1, 2 + 2 ** -20)]
    expect(areFar(drawn({ delta }), drawn())).toBe(true)
    const moved = [Float32Array.of(0.5, -0.25), Float32Array.of(0.125, 1, 2)]
    expect(areFar(drawn({ delta: moved }), drawn())).toBe(true)
  })

  it('is no multiple of that of another deviation, from which it would follow', () => {
    const ratios = drawn({ transforms: [noise(2)] }).map((value, i) => value / drawn()[i]!)
    expect(ratios.some((ratio) => Math.abs(ratio - 2) > 0.01)).toBe(true)
  })

  it('is another for every secret, and for a second transform', () => {
    expect(areFar(drawn({ secret: new Uint8Array(32) }), drawn())).toBe(true)
    const twice = sent({ transforms: [noise(1), noise(1)] }).map((value, i) => value - sent()[i]!)
    expect(areFar(twice, drawn())).toBe(true)
  })
})
