import { MOST_EVENTS } from '#protocol/http-api.js'
import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Clock } from '#coordinator/clock.js'
import type { EventRow, Store } from '#coordinator/store/store.js'

interface Waiting {
  readonly waitSeconds: number
  readonly signal: AbortSignal
}

/** Events of runs for people who wait for them. */
export class EventFeed {
  readonly #store: Store
  readonly #clock: Clock
  readonly #waiting = new Map<RunId, Set<() => void>>()
  #isClosed = false

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** To be called after an event of the run was stored. */
  wake(runId: RunId): void {
    for (const wake of this.#waiting.get(runId) ?? []) wake()
  }
  /** Adds an event that the round loop knows nothing of. */
  async note(runId: RunId, type: string, data: JsonObject): Promise<void> {
    await this.#store.appendEvent(runId, type, data)
    this.wake(runId)
  }
  /** The first events after number `after`. When there is none, waits for one, `waitSeconds` at most, or until `signal` aborts. */
  async after(
    runId: RunId,
    after: number,
    { limit = MOST_EVENTS, waitSeconds, signal }: Waiting & { readonly limit?: number },
  ): Promise<readonly EventRow[]> {
    const next = this.#next(runId, { waitSeconds, signal })
    try {
      const events = await this.#store.events(runId, after, limit)
      if (events.length > 0 || waitSeconds === 0) return events
      await next.happened
      return await this.#store.events(runId, after, limit)
    } finally {
      next.forget()
    }
  }
  /** Lets everyone go who waits. */
  close(): void {
    this.#isClosed = true
    for (const runId of this.#waiting.keys()) this.wake(runId)
  }

  /** Listening before looking: an event in between is not missed. */
  #next(
    runId: RunId,
    { waitSeconds, signal }: Waiting,
  ): { readonly happened: Promise<void>; forget(): void } {
    let wake: () => void = () => undefined
    const happened = new Promise<void>((resolve) => (wake = resolve))
    if (this.#isClosed || signal.aborted) wake()
    const waiting = this.#waiting.get(runId) ?? new Set()
    this.#waiting.set(runId, waiting.add(wake))
    const timer = this.#clock.after(waitSeconds * 1000, wake)
    signal.addEventListener('abort', wake)
    const forget = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', wake)
      waiting.delete(wake)
      if (waiting.size === 0) this.#waiting.delete(runId)
    }
    return { happened, forget }
  }
}
