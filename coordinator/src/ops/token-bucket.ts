import type { Clock } from '#coordinator/clock.js'
import type { Bucket } from './limits.js'

/** So many at once, then so many a second. */
export class TokenBucket {
  readonly #clock: Pick<Clock, 'now'>
  readonly #bucket: Bucket
  #tokens: number
  #at: number

  constructor(clock: Pick<Clock, 'now'>, bucket: Bucket) {
    this.#clock = clock
    this.#bucket = bucket
    this.#tokens = bucket.burst
    this.#at = clock.now()
  }

  /** Whether there was one. */
  take(): boolean {
    const { burst, perSecond } = this.#bucket
    const now = this.#clock.now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
