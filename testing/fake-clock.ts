import type { Clock } from '#coordinator/clock.js'

interface Timer {
  readonly at: number
  readonly then: () => void
}

/** A clock that stands still until `advance`. Timers fire in the order of their times. */
export class FakeClock implements Clock {
  #now = 0
  #timers: readonly Timer[] = []

  timestamp(): string {
    return new Date(this.#now).toISOString()
  }
  now(): number {
    return this.#now
  }
  after(ms: number, then: () => void): { cancel(): void } {
    const timer = { at: this.#now + ms, then }
    this.#timers = [...this.#timers, timer]
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }
  get pending(): number {
    return this.#timers.length
  }
  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter((timer) => timer.at <= this.#now).sort((a, b) => a.at - b.at)
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now)
    for (const timer of due) timer.then()
  }
}
