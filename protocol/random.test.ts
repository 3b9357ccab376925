import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams, Xoshiro128, type Stream } from './random.js'

const draw = (count: number, one: () => number): number[] => Array.from({ length: count }, one)
const moments = (values: readonly number[]): { mean: number; variance: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    mean,
    variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  }
}
/** A stream that yields the given words, to drive the derived draws by hand. */
class Scripted extends Xoshiro128 {
  readonly #words: number[]
  constructor(words: readonly number[]) {
    super([1, 2, 3, 4])
    this.#words = [...words]
  }
  override uint32(): number {
    return this.#words.shift() ?? 0
  }
}

describe('xoshiro128**', () => {
  it("gives the outputs of the authors' C program for the state 1, 2, 3, 4", () => {
    const stream = new Xoshiro128([1, 2, 3, 4])
    expect(draw(10, () => stream.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ])
  })

  it('agrees with the recurrence written in 64-bit integers', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.integer({ min: 1 })), (state) => {
        const stream = new Xoshiro128(state)
        expect(draw(20, () => stream.uint32())).toEqual(reference(state, 20))
      }),
    )
  })

  it('refuses the all-zero state, from which it would never leave', () => {
    expect(() => new Xoshiro128([0, 0, 0, 0])).toThrow(/all zero/)
  })

  it('makes uniform numbers from 27 and 26 bits', () => {
    expect(new Scripted([0, 0]).uniform()).toBe(0)
    expect(new Scripted([0x80000000, 0]).uniform()).toBe(0.5)
    expect(new Scripted([0, 64]).uniform()).toBe(2 ** -53)
    expect(new Scripted([0xffffffff, 0xffffffff]).uniform()).toBe(1 - 2 ** -53)
  })

  it('makes a normal number from two uniforms', () => {
    // u = v = 1/2: sqrt(2 ln 2) cos(pi).
    expect(new Scripted([0x80000000, 0, 0x80000000, 0]).normal()).toBeCloseTo(
      -Math.sqrt(2 * Math.LN2),
      12,
    )
    // v = 1/8: cos(pi / 4) = sqrt(1/2), so the value is sqrt(ln 2).
    expect(new Scripted([0x80000000, 0, 0x20000000, 0]).normal()).toBeCloseTo(
      Math.sqrt(Math.LN2),
      12,
    )
  })

  it('throws away words that would favour small integers', () => {
    // The largest multiple of 3 up to 2^32 is 2^32 - 1: only the last word is refused.
    expect(new Scripted([0xffffffff, 7]).integer(3)).toBe(1)
    expect(new Scripted([0xfffffffe]).integer(3)).toBe(2)
    expect(new Scripted([0xffffffff]).integer(2 ** 32)).toBe(0xffffffff)
  })

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('refuses the bound %s', (bound) => {
    expect(() => new Xoshiro128([1, 2, 3, 4]).integer(bound)).toThrow(/bound/)
  })

  it('shuffles from the end', () => {
    // i = 2: integer(3) of word 0 is 0, so 10 and 30 change places; i = 1: integer(2) of word 1 is 1.
    expect(new Scripted([0, 1]).shuffle([10, 20, 30])).toEqual([30, 20, 10])
  })

  it('shuffles every permutation of three equally often', () => {
    const stream = createStreams(5)('test', 0, 0)
    const counts = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const key = stream.shuffle([1, 2, 3]).join('')
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    // Expected 1000 each with standard deviation 29: five of them either way.
    expect([...counts.values()]).toHaveLength(6)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  it('draws uniform and normal numbers of the right mean and variance', () => {
    const stream = createStreams(1)('test', 0, 0)
    const uniform = moments(draw(20_000, () => stream.uniform()))
    const normal = moments(draw(20_000, () => stream.normal()))
    expect(uniform.mean).toBeCloseTo(1 / 2, 1.7)
    expect(uniform.variance).toBeCloseTo(1 / 12, 2)
    expect(Math.abs(normal.mean)).toBeLessThan(0.03)
    expect(Math.abs(normal.variance - 1)).toBeLessThan(0.05)
  })
})

describe('createStreams', () => {
  const first = (stream: Stream): number[] => draw(4, () => stream.uint32())

  it('seeds a stream with the SHA-256 of its name', () => {
    const key = createHash('sha256').update('fl/rng/1|7|shuffle|3|12').digest()
    const expected = new Xoshiro128([
      key.readUInt32LE(0),
      key.readUInt32LE(4),
      key.readUInt32LE(8),
      key.readUInt32LE(12),
    ])
    expect(first(createStreams(7)('shuffle', 3, 12))).toEqual(first(expected))
  })

  it('keeps its numbers from version to version', () => {
    expect(first(createStreams(0)('init', 0, 0))).toEqual([
      3378136696, 2085903498, 865972450, 3055741961,
    ])
  })

  it('gives another stream when any part of the name differs', () => {
    const names = [
      createStreams(1)('a', 2, 3),
      createStreams(2)('a', 2, 3),
      createStreams(1)('b', 2, 3),
      createStreams(1)('a', 3, 3),
      createStreams(1)('a', 2, 4),
    ]
    expect(new Set(names.map((stream) => first(stream).join())).size).toBe(5)
  })

  it('does not depend on the order in which streams are asked for or used', () => {
    const streams = createStreams(9)
    const early = streams('a', 0, 0)
    first(streams('b', 0, 0))
    const late = streams('a', 0, 0)
    expect(first(late)).toEqual(first(early))
  })

  it.each([
    [1.5, 'a', 0, 0],
    [1, 'a', Number.NaN, 0],
    [1, 'a', 0, 2 ** 60],
    [1, 'a|b', 0, 0],
  ] as const)('refuses the name %s %s %s %s', (seed, purpose, index, slot) => {
    expect(() => createStreams(seed)(purpose, index, slot)).toThrow(/random stream/)
  })
})

/** The recurrence of the paper in BigInt, as an oracle for the 32-bit tricks. */
function reference(state: readonly number[], count: number): number[] {
  const mask = 0xffffffffn
  const rot = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask
  let [a, b, c, d] = state.map(BigInt) as [bigint, bigint, bigint, bigint]
  return draw(count, () => {
    const result = (rot((b * 5n) & mask, 7n) * 9n) & mask
    const t = (b << 9n) & mask
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rot(d, 11n)
    return Number(result)
  })
}
