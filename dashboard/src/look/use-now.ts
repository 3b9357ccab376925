import { useSyncExternalStore } from 'react'

/** The time, moved on every so often for all who look at it. */
class Ticker {
  readonly #everyMs: number
  readonly #listeners = new Set<() => void>()
  #now = Date.now()
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }
  readonly now = (): number => this.#now
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#timer === null) {
      this.#now = Date.now()
      this.#timer = setInterval(() => this.#tick(), this.#everyMs)
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0 || this.#timer === null) return
      clearInterval(this.#timer)
      this.#timer = null
    }
  }
  #tick(): void {
    this.#now = Date.now()
    for (const listener of this.#listeners) listener()
  }
}

const slow = new Ticker(15_000)
/** The time, a few times a minute: all that say how long ago something was move on together. */
export const useNow = (): number => useSyncExternalStore(slow.subscribe, slow.now)

const clock = new Ticker(1_000)
const rests = (): (() => void) => () => undefined
/** The time to the second: of what is running out. It stands still where nothing is. */
export const useClock = (isRunning = true): number =>
  useSyncExternalStore(isRunning ? clock.subscribe : rests, clock.now)
