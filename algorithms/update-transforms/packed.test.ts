import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bundleHash,
  decodeBundle,
  encodeBundle,
  makeBundle,
  tensorOf,
  type Bundle,
  type NamedTensor,
} from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import type { Packing, UplinkGroup } from '#protocol/uplink.js'
import { asDeclared, packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { applyTransforms } from './apply.js'
import { packBits, packGaps, unpackBits, unpackGaps } from './bit-packing.js'
import { clip } from './clip.js'
import { gaussianNoise } from './gaussian-noise.js'
import { packingFor } from './packed.js'
import { quantize } from './quantize.js'
import { topK } from './top-k.js'
import type { ConfiguredTransform } from './update-transform.js'

const float = (name: string, shape: readonly number[], data: readonly number[]): NamedTensor => ({
  ...{ name, shape, dtype: 'float32' },
  data: Float32Array.from(data),
})
const groupOf = (packed?: Packing): UplinkGroup => ({
  name: 'delta',
  tensors: [
    { name: 'w', shape: [3, 4], dtype: 'float32' },
    { name: 'b', shape: [3], dtype: 'float32' },
  ],
  ...{ reduce: 'mean', weight: 'examples', grid: { bits: 20, maxAbs: 8 } },
  ...{ privacyClass: 'model-delta', maxBytes: 60 },
  ...(packed === undefined ? {} : { packed }),
})
const other: UplinkGroup = {
  name: 'steps',
  tensors: [{ name: 'n', shape: [1], dtype: 'float32' }],
  ...{ reduce: 'sum', weight: 'none', grid: { bits: 20, maxAbs: 8 } },
  ...{ privacyClass: 'metrics', maxBytes: 4 },
}
const updateOf = (w: readonly number[], b: readonly number[]) => ({
  delta: [float('w', [3, 4], w), float('b', [3], b)],
  steps: [float('n', [1], [2])],
})
const W = [0, 0, 1.5, 0, 0, 0, 0, -3, 0, 0, 0, 0]
const B = [0, 0.25, 0]

describe('bits one after another', () => {
  it('5, 2 and 7 as three bits each: 111 010 101 from the lowest on', () => {
    expect([...packBits([5, 2, 7], 3)]).toEqual([0b11010101, 0b1])
  })
  it('come back, for any width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.array(fc.nat(65_535)), (bits, values) => {
        const small = values.map((value) => value % 2 ** bits)
        const packed = packBits(small, bits)
        expect(packed).toHaveLength(Math.ceil((small.length * bits) / 8))
        expect([...unpackBits(packed, { bits, count: small.length })]).toEqual(small)
      }),
    )
  })
})

describe('places', () => {
  it('gaps of 2, 0 and 300 zeros: 300 = 2 · 128 + 44', () => {
    const values = new Float32Array(310)
    for (const at of [2, 3, 304]) values[at] = 1
    expect([...packGaps(values)]).toEqual([2, 0, 0x80 | 44, 2])
    expect([...unpackGaps(packGaps(values), 310)]).toEqual([2, 3, 304])
  })
  it.each([
    ['beyond the end', [2, 0, 7]],
    ['a gap without its end', [2, 0x80]],
    ['a gap without an end in sight', Array.from({ length: 200 }, () => 0x80)],
    ['a gap of more digits than any has', [...Array.from({ length: 10 }, () => 0x80), 0]],
    ['the same with an end', [...Array.from({ length: 200 }, () => 0x80), 0]],
    ['a gap beyond all numbers', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])('%s is refused', (_, bytes) => {
    expect(() => unpackGaps(Uint8Array.from(bytes), 10)).toThrow(/ascending/)
  })
})

describe('a packed group', () => {
  it('sends places and values of what is not zero', () => {
    const sent = packUpdate(updateOf(W, B), [groupOf({ places: true }), other])
    expect(sent.tensors).toEqual([
      { name: 'delta/#places', shape: [3], dtype: 'uint8' },
      { name: 'delta/#values', shape: [3], dtype: 'float32' },
      { name: 'steps/n', shape: [1], dtype: 'float32' },
    ])
    // w 2, w 7, and b 1, which is number 13 of the vector: 5 zeros after w 7.
    expect([...tensorOf(sent, 'delta/#places').data]).toEqual([2, 4, 5])
    expect([...tensorOf(sent, 'delta/#values').data]).toEqual([1.5, -3, 0.25])
  })

  it('sends codes of few bits and the largest of each tensor', () => {
    const uplink = [groupOf({ places: true, bits: 3 }), other]
    const sent = packUpdate(updateOf([0, 0, 1, 0, 0, 0, 0, -3, 0, 0, 0, 0], B), uplink)
    expect([...tensorOf(sent, 'delta/#peaks').data]).toEqual([3, 0.25])
    // 1 = 1 · 3 / 3 → code 1 + 3, −3 → −3 + 3, 0.25 → 3 + 3: 100, 000, 110 from the lowest bit on.
    expect([...tensorOf(sent, 'delta/#values').data]).toEqual([0b10000100, 0b1])
  })

  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.float({ min: -8, max: 8, noNaN: true }) },
  )
  const list = (length: number) => fc.array(value, { minLength: length, maxLength: length })
  const lists: readonly (readonly ConfiguredTransform[])[] = [
    [{ transform: topK, options: { fraction: 0.3 } }],
    [{ transform: quantize, options: { bits: 8 } }],
    [
      { transform: clip, options: { norm: 2 } },
      { transform: topK, options: { fraction: 0.2 } },
      { transform: quantize, options: { bits: 5 } },
    ],
    [
      { transform: topK, options: { fraction: 0.2 } },
      { transform: gaussianNoise, options: { stddev: 0.1 } },
      { transform: quantize, options: { bits: 11 } },
    ],
  ]
  it('arrives as the transforms left it, bit for bit, whatever it holds', () => {
    const stream = createStreams(1)('test', 0, 0)
    fc.assert(
      fc.property(list(12), list(3), fc.constantFrom(...lists), (w, b, transforms) => {
        const given = [Float32Array.from(w), Float32Array.from(b)]
        const left = applyTransforms(given, transforms, () => stream)
        const uplink = [groupOf(packingFor(transforms)!), other]
        const sent = packUpdate(updateOf([...left[0]!], [...left[1]!]), uplink)
        const travelled = unwrap(decodeBundle(encodeBundle(sent)))
        const plain = packUpdate(updateOf([...left[0]!], [...left[1]!]), [groupOf(), other])
        const received = asDeclared(travelled, uplink)
        expect(received.tensors).toEqual(plain.tensors)
        expect(bundleHash(received)).toBe(bundleHash(plain))
      }),
    )
  })

  const good = packUpdate(updateOf(W, B), [groupOf({ places: true, bits: 4 }), other])
  const changed = (name: string, change: Partial<NamedTensor> | null): Bundle =>
    makeBundle(
      good.tensors.flatMap((spec) => {
        const tensor = tensorOf(good, spec.name)
        if (spec.name !== name) return [tensor]
        return change === null ? [] : [{ ...tensor, ...change }]
      }),
    )
  const bytes = (...data: readonly number[]): Partial<NamedTensor> => ({
    ...{ shape: [data.length], dtype: 'uint8' },
    data: Uint8Array.from(data),
  })
  it.each([
    ['without its places', changed('delta/#places', null)],
    ['without its values', changed('delta/#values', null)],
    [
      'with places as numbers',
      changed('delta/#places', { ...float('', [3], [2, 4, 5]), name: 'delta/#places' }),
    ],
    ['with places too many', changed('delta/#places', bytes(2, 4, 5, 0, 0))],
    ['with a value too few', changed('delta/#values', bytes(0))],
    ['with a value too many', changed('delta/#values', bytes(1, 2, 3))],
    ['with a code beyond the levels', changed('delta/#values', bytes(0xff, 0xff))],
    ['with too few peaks', changed('delta/#peaks', { shape: [1], data: Float32Array.of(3) })],
    [
      'with too many peaks',
      changed('delta/#peaks', { shape: [3], data: Float32Array.of(3, 0.25, 1) }),
    ],
    ['with a peak that is not finite', changed('delta/#peaks', { data: Float32Array.of(3, NaN) })],
    ['with a peak beyond the grid', changed('delta/#peaks', { data: Float32Array.of(300, 1) })],
    ['unpacked', packUpdate(updateOf(W, B), [groupOf(), other])],
  ])('%s is refused with a code, and nothing else happens', (_, update) => {
    const uplink = [groupOf({ places: true, bits: 4 }), other]
    expect(receiveUpdate(good, 1, { uplink, maxExamples: 10 })).toMatchObject({ ok: true })
    const received = receiveUpdate(update, 1, { uplink, maxExamples: 10 })
    expect(received).toMatchObject({
      error: {
        code: expect.stringMatching(/^update\/(malformed|not-finite|out-of-range)$/) as string,
      },
    })
  })
})

describe('the form in which an update travels', () => {
  const of = (...transforms: readonly ConfiguredTransform[]) => packingFor(transforms)
  const top = (fraction: number) => ({ transform: topK, options: { fraction } })
  const bits = (count: number) => ({ transform: quantize, options: { bits: count } })
  const noise = { transform: gaussianNoise, options: { stddev: 1 } }

  it('is the plain one where no other is smaller', () => {
    expect(of()).toBeNull()
    expect(of({ transform: clip, options: { norm: 1 } }, noise)).toBeNull()
    // 5 bytes instead of 4 for a number that stays.
    expect(of(top(0.8))).toBeNull()
    expect(of(top(0.1), noise)).toBeNull()
  })
  it('has places where enough is zero, and bits where they are few', () => {
    expect(of(top(0.79))).toEqual({ places: true })
    expect(of(noise, top(0.1))).toEqual({ places: true })
    expect(of(bits(8))).toEqual({ bits: 8 })
    expect(of(top(0.1), bits(8))).toEqual({ places: true, bits: 8 })
    // A place takes a byte, as a value does.
    expect(of(top(0.5), bits(8))).toEqual({ bits: 8 })
  })
})
