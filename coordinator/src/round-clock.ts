import { asFederationError } from '#protocol/errors.js'
import { deadlineSignal } from './clock.js'
import type { Opening } from './fleet/fleet.js'
import { advance, putJson, type RunContext } from './run-context.js'
import type { Head } from './store/store.js'

/** How much of a round's time a crash may forget: a twentieth of the deadline, and no more than a minute. */
const SHARE_OF_DEADLINE = 1 / 20
const [SHORTEST_MS, LONGEST_MS] = [1000, 60_000]

/**
 * The time of an open round. Deadlines count while the coordinator is up, on the monotonic clock: what had passed is kept with the
 * opening now and then, and when the loop is left, so that a restart goes on from there; the time in between does not count
 * (reliability specification §3).
 */
export class RoundClock {
  readonly #ctx: RunContext
  readonly #opening: Opening
  readonly #takenUpAt: number
  readonly #deadline: ReturnType<typeof deadlineSignal>
  #head: Head
  #timer: { cancel(): void } | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(ctx: RunContext, head: Head, opening: Opening) {
    this.#ctx = ctx
    this.#opening = opening
    this.#head = head
    this.#takenUpAt = ctx.clock.now()
    const leftMs = Math.max(0, opening.deadlineSeconds * 1000 - elapsedIn(opening))
    this.#deadline = deadlineSignal(ctx.clock, leftMs, ctx.signal)
    this.#keepLater()
  }

  /** Aborts at the deadline, with the reason `DEADLINE`, or when the loop is left. */
  get signal(): AbortSignal {
    return this.#deadline.signal
  }
  /** Milliseconds that the round has been open while a coordinator was up. */
  get elapsedMs(): number {
    return elapsedIn(this.#opening) + this.#ctx.clock.now() - this.#takenUpAt
  }
  /** Releases the timers. Returns the head as it is now: keeping the time has replaced it. */
  async stop(): Promise<Head> {
    this.#deadline.cancel()
    this.#timer?.cancel()
    await this.#writing
    if (this.#ctx.signal.aborted) await this.#keep()
    return this.#head
  }

  #keepLater(): void {
    const { clock } = this.#ctx
    const share = this.#opening.deadlineSeconds * 1000 * SHARE_OF_DEADLINE
    const everyMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, share))
    this.#timer = clock.after(everyMs, () => {
      this.#writing = this.#writing.then(() => this.#keep())
      this.#keepLater()
    })
  }
  async #keep(): Promise<void> {
    const ctx = this.#ctx
    try {
      const elapsedMs = Math.round(this.elapsedMs)
      const openingHash = await putJson(ctx, { ...this.#opening, elapsedMs })
      // False: the run has gone to another coordinator, as the loop will see.
      if (!(await advance(ctx, this.#head, { openingHash }))) return
      // As it was stored: the audit log leaves its mark in every head.
      const stored = await ctx.store.head(ctx.runId)
      if (stored?.epoch === this.#head.epoch) this.#head = stored
    } catch (error) {
      // The round itself is as it was: after a crash it would only wait longer.
      ctx.onProblem?.(asFederationError(error, 'store/io'))
    }
  }
}

export const elapsedIn = ({ elapsedMs = 0 }: Opening): number => elapsedMs
