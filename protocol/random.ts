import { createHash } from 'node:crypto'
import { FederationError } from './errors.js'

/** A seeded stream of random numbers. The only source of randomness in computations. */
export interface Stream {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Uniform integer in [0, bound), without modulo bias. bound in 1 … 2^32. */
  integer(bound: number): number
  /** Fisher-Yates in place. */
  shuffle<T extends { length: number; [index: number]: number }>(values: T): T
}
/** Streams hang on (seed, purpose, index, slot) and nothing else: equal arguments, equal numbers. */
export type Streams = (purpose: string, index: number, slot: number) => Stream

const TWO_32 = 2 ** 32
const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

/**
 * Makes all numbers out of 32-bit words.
 *
 * How the other numbers come from the words is part of the format, because results are repeated from a seed:
 * - uniform: two words a, b; (floor(a / 2^5) * 2^26 + floor(b / 2^6)) / 2^53
 * - normal: two uniforms u, v; sqrt(-2 ln(1 - u)) * cos(2 pi v). The second value of the pair is dropped, so that the
 *   number of words used never depends on what was drawn before.
 * - integer: words at or above the largest multiple of the bound are thrown away; then the remainder
 * - shuffle: for i = length - 1 … 1, swap i with integer(i + 1)
 */
export abstract class WordStream implements Stream {
  abstract uint32(): number

  uniform(): number {
    const high = this.uint32() >>> 5
    const low = this.uint32() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  normal(): number {
    // 1 - u lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > TWO_32) {
      throw new FederationError('internal/bug', `Expected a bound in 1 … 2^32, got ${bound}`)
    }
    const limit = TWO_32 - (TWO_32 % bound)
    let word = this.uint32()
    while (word >= limit) word = this.uint32()
    return word % bound
  }

  shuffle<T extends { length: number; [index: number]: number }>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const kept = values[i]!
      values[i] = values[j]!
      values[j] = kept
    }
    return values
  }
}

/**
 * xoshiro128** 1.1: 32-bit words, 128 bits of state, period 2^128 - 1, passes BigCrush.
 * D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021,
 * https://prng.di.unimi.it/xoshiro128starstar.c
 */
export class Xoshiro128 extends WordStream {
  #a: number
  #b: number
  #c: number
  #d: number

  /** Four 32-bit words, not all zero. */
  constructor(state: readonly [number, number, number, number]) {
    super()
    if (state.every((word) => word >>> 0 === 0)) {
      throw new FederationError('internal/bug', 'The state of a random stream must not be all zero')
    }
    this.#a = state[0] | 0
    this.#b = state[1] | 0
    this.#c = state[2] | 0
    this.#d = state[3] | 0
  }

  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return result >>> 0
  }
}

/**
 * The streams of a run. The state of stream (purpose, index, slot) is the first 16 bytes, as four little-endian words, of
 * the SHA-256 of the UTF-8 text `fl/rng/1|seed|purpose|index|slot` (numbers in decimal). Streams are therefore
 * independent of each other and of the order in which they are asked for.
 *
 * seed, index and slot are safe integers; a purpose is a short lower-case word without `|`.
 */
export function createStreams(seed: number): Streams {
  return (purpose, index, slot) => {
    if (![seed, index, slot].every(Number.isSafeInteger) || purpose.includes('|')) {
      const name = [seed, purpose, index, slot].join('|')
      throw new FederationError('internal/bug', `A random stream needs whole numbers, got ${name}`)
    }
    const key = createHash('sha256').update(`fl/rng/1|${seed}|${purpose}|${index}|${slot}`).digest()
    return new Xoshiro128(
      [0, 4, 8, 12].map((at) => key.readUInt32LE(at)) as [number, number, number, number],
    )
  }
}
