import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import {
  applyTransforms,
  describeTransforms,
  largestNormOf,
  protectionOf,
  seededNoise,
} from './apply.js'
import { clip } from './clip.js'
import { gaussianNoise } from './gaussian-noise.js'
import { normOf, sizeOf } from './norm.js'
import { quantize } from './quantize.js'
import { topK } from './top-k.js'
import type { ConfiguredTransform, UpdateTransform } from './update-transform.js'

const using = (transform: UpdateTransform, options: object): ConfiguredTransform => ({
  transform,
  options: transform.options.parse(options),
})
const streams = createStreams(5)
const noise = seededNoise(streams, { round: 2, slot: 1 })
const floats = (...values: readonly number[]): Float32Array => Float32Array.from(values)
const apply = (
  parts: readonly Float32Array[],
  ...transforms: readonly ConfiguredTransform[]
): readonly Float32Array[] => applyTransforms(parts, transforms, noise)
const numbers = (parts: readonly Float32Array[]): readonly number[] =>
  parts.flatMap((part) => [...part])

const value = fc.oneof(
  fc.constant(0),
  fc.float({ min: -8, max: 8, noNaN: true }),
  fc.float({ min: Math.fround(-1e-3), max: Math.fround(1e-3), noNaN: true }),
)
const parts = fc
  .array(fc.array(value, { maxLength: 40 }), { minLength: 1, maxLength: 4 })
  .map((rows) => rows.map((row) => Float32Array.from(row)))
const anyTransform = fc.oneof(
  fc.double({ min: 1e-3, max: 100, noNaN: true }).map((norm) => using(clip, { norm })),
  fc.double({ min: 1e-30, max: 2, noNaN: true }).map((stddev) => using(gaussianNoise, { stddev })),
  fc.double({ min: 1e-3, max: 1, noNaN: true }).map((fraction) => using(topK, { fraction })),
  fc.integer({ min: 2, max: 16 }).map((bits) => using(quantize, { bits })),
)
const anyList = fc.array(anyTransform, { maxLength: 4 })

describe('by hand', () => {
  it('clip scales (3, 4), of norm 5, to norm 2 over all parts at once', () => {
    // 2 / (5 + 1e-6) = 0.4 to seven digits: (1.2, 1.6).
    const [a, b] = apply([floats(3), floats(4)], using(clip, { norm: 2 }))
    expect(a![0]).toBeCloseTo(1.2, 6)
    expect(b![0]).toBeCloseTo(1.6, 6)
    expect(numbers(apply([floats(3), floats(4)], using(clip, { norm: 7 })))).toEqual([3, 4])
  })

  it('top-k keeps ⌈0.4 · 5⌉ = 2 of five and ⌈0.4 · 2⌉ = 1 of two, of equals the first', () => {
    const kept = apply(
      [floats(0.5, -3, 2, 3, -0.25), floats(1, -1)],
      using(topK, { fraction: 0.4 }),
    )
    expect(kept).toEqual([floats(0, -3, 0, 3, 0), floats(1, 0)])
    const [zeros] = apply([floats(-0, 0, -0, 0)], using(topK, { fraction: 0.4 }))
    expect([...zeros!].every((zero) => Object.is(zero, 0))).toBe(true)
  })

  it('quantize to 3 bits has levels −3 … 3 of a third of the largest, tensor by tensor', () => {
    // 6 / 3 = 2: −6 → −6, 1.1 → 2, 0.9 → 0, 3.2 → 4; and 0.6 / 3 = 0.2: 0.29 → 0.2.
    const rounded = apply(
      [floats(-6, 1.1, 0.9, 3.2), floats(0.6, 0.29), floats(0, 0)],
      using(quantize, { bits: 3 }),
    )
    expect(rounded).toEqual([floats(-6, 2, 0, 4), floats(0.6, 0.2), floats(0, 0)])
  })

  it('noise is σ z on the grid of the largest power of two ≤ σ / 2^16', () => {
    const z = noise(0).normal()
    const [part] = apply([floats(0.5)], using(gaussianNoise, { stddev: 0.3 }))
    // 0.3 / 2^16 ≥ 2^−18: within half a step of 0.5 + 0.3 z.
    expect(part![0]! * 2 ** 18).toBe(Math.round(part![0]! * 2 ** 18))
    expect(Math.abs(part![0]! - (0.5 + 0.3 * z))).toBeLessThanOrEqual(2 ** -19 + 1e-7)
  })

  it('they act in the order of the list, each with a stream of its own', () => {
    const [clipFirst, noiseFirst] = [
      [using(clip, { norm: 1 }), using(gaussianNoise, { stddev: 0.5 })],
      [using(gaussianNoise, { stddev: 0.5 }), using(clip, { norm: 1 })],
    ]
    expect(normOf(apply([floats(30, 40)], ...noiseFirst))).toBeCloseTo(1, 5)
    const [first] = apply([floats(30, 40)], ...clipFirst)
    const z = noise(1)
    expect(first![0]).toBeCloseTo(0.6 + 0.5 * z.normal(), 4)
    expect(first![1]).toBeCloseTo(0.8 + 0.5 * z.normal(), 4)
  })
})

describe('identities', () => {
  it.each([
    ['clip at infinity', { transform: clip, options: { norm: Infinity } }],
    ['clip at the largest number', using(clip, { norm: Number.MAX_VALUE })],
    ['noise 0', using(gaussianNoise, { stddev: 0 })],
    ['top-k of all', using(topK, { fraction: 1 })],
  ])('%s changes nothing, bit for bit', (_, transform) => {
    fc.assert(
      fc.property(parts, (given) => {
        const all = apply(given, transform)
        expect(all).toEqual(given)
        all.forEach((part, i) => expect(part).not.toBe(given[i]))
      }),
    )
  })

  it.each([
    ['clip', using(clip, { norm: 0.7 })],
    ['top-k', using(topK, { fraction: 0.3 })],
    ['quantize', using(quantize, { bits: 5 })],
  ])('%s a second time changes nothing that matters', (_, transform) => {
    fc.assert(
      fc.property(parts, (given) => {
        const once = numbers(apply(given, transform))
        const twice = numbers(apply(given, transform, transform))
        // A clipped update is 1e-6 shorter than its bound, and stays so.
        twice.forEach((number, i) => expect(number).toBeCloseTo(once[i]!, 5))
        if (transform.transform !== clip) expect(twice).toEqual(once)
      }),
    )
  })
})

describe('any list of transforms', () => {
  it('keeps lengths, leaves its input alone and draws the same again', () => {
    fc.assert(
      fc.property(parts, anyList, (given, transforms) => {
        const before = given.map((part) => part.slice())
        const once = apply(given, ...transforms)
        expect(given).toEqual(before)
        expect(once.map(({ length }) => length)).toEqual(given.map(({ length }) => length))
        expect(apply(given, ...transforms)).toEqual(once)
      }),
    )
  })

  it('never lengthens an update beyond the norm that the coordinator checks', () => {
    fc.assert(
      fc.property(parts, anyList, (given, transforms) => {
        const size = sizeOf(given)
        const bound = transforms.reduce(
          (before, { transform, options }) => transform.largestNorm(before, options, size),
          normOf(given),
        )
        const norm = normOf(apply(given, ...transforms))
        expect(norm).toBeLessThanOrEqual(bound * (1 + 1e-5) + 1e-30)
        expect(norm).toBeLessThanOrEqual(largestNormOf(transforms, size) * (1 + 1e-5))
      }),
      { numRuns: 300 },
    )
  })

  it('draws other noise in another round, on another slot, at another place', () => {
    const drawn = (round: number, slot: number, index: number): number =>
      seededNoise(streams, { round, slot })(index).normal()
    const all = [drawn(1, 0, 0), drawn(2, 0, 0), drawn(1, 1, 0), drawn(1, 0, 1)]
    expect(new Set(all).size).toBe(4)
  })

  it('refuses options that make no sense', () => {
    for (const [transform, options] of [
      [clip, { norm: 0 }],
      [gaussianNoise, { stddev: -1 }],
      [gaussianNoise, { stddev: 1e-31 }],
      [topK, { fraction: 0 }],
      [topK, { fraction: 1.01 }],
      [quantize, { bits: 1 }],
      [quantize, { bits: 17 }],
      [quantize, { bits: 2.5 }],
    ] as const)
      expect(transform.options.safeParse(options).success, transform.name).toBe(false)
  })

  it('refuses numbers that are not finite, and noise out of nowhere', () => {
    expect(() => apply([floats(1, NaN)], using(clip, { norm: 1 }))).toThrow(/not finite/)
    expect(() => apply([floats(Infinity)], using(clip, { norm: 1 }))).toThrow(/not finite/)
    const drawing = [using(gaussianNoise, { stddev: 1 })]
    expect(() => applyTransforms([floats(1)], drawing)).toThrow(/out of what/)
    expect(applyTransforms([floats(1)], [using(gaussianNoise, { stddev: 0 })])).toEqual([floats(1)])
  })
})

describe('Gaussian noise', () => {
  it('has the mean and the deviation that it says, at every size', () => {
    for (const stddev of [1e-3, 0.3, 7]) {
      const [part] = apply([new Float32Array(100_000)], using(gaussianNoise, { stddev }))
      const mean = part!.reduce((sum, each) => sum + each, 0) / part!.length
      const variance = part!.reduce((sum, each) => sum + (each - mean) ** 2, 0) / part!.length
      // Five standard errors: 1 / √n of the mean, 1 / √(2 n) of the deviation.
      expect(Math.abs(mean / stddev)).toBeLessThan(5 / Math.sqrt(1e5))
      expect(Math.abs(Math.sqrt(variance) / stddev - 1)).toBeLessThan(5 / Math.sqrt(2e5))
    }
  })
})

describe('what is certain of every update', () => {
  it('is the smallest clip, the largest noise, and the noise that comes after that clip', () => {
    const [one, two] = [using(clip, { norm: 1 }), using(clip, { norm: 2 })]
    const [low, high] = [using(gaussianNoise, { stddev: 0.1 }), using(gaussianNoise, { stddev: 3 })]
    expect(protectionOf([])).toEqual({ clip: Infinity, noise: 0, noiseAfterClip: 0 })
    expect(protectionOf([high])).toEqual({ clip: Infinity, noise: 3, noiseAfterClip: 0 })
    expect(protectionOf([two, high, one, low])).toEqual({ clip: 1, noise: 3, noiseAfterClip: 0.1 })
    expect(protectionOf([one, low, two])).toEqual({ clip: 1, noise: 0.1, noiseAfterClip: 0.1 })
    expect(protectionOf([using(topK, {}), using(quantize, {})])).toMatchObject({ clip: Infinity })
  })

  it('is said in words', () => {
    const all = CATALOGUE.updateTransforms.map((transform) => using(transform, {}))
    expect(describeTransforms(all)).toBe(
      'clipped to an L2 norm of 1, then Gaussian noise of standard deviation 0.01 on every number, then only the largest 10 % of each tensor, then rounded to 8 bits',
    )
    expect(describeTransforms([])).toBe('none')
  })
})
