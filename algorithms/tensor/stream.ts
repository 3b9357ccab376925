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
