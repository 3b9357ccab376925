/** Time, injected: the real one in production, one that tests advance by hand. */
export interface Clock {
  /** Wall time as ISO 8601, for records only; never an input of a computation. */
  timestamp(): string
  /** Monotonic milliseconds. */
  now(): number
  /** Calls `then` after `ms` monotonic milliseconds unless cancelled. */
  after(ms: number, then: () => void): { cancel(): void }
}
