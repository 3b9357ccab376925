/** Time, injected: the real one in production, one that tests advance by hand. */
export interface Clock {
  /** Wall time as ISO 8601, for records only; never an input of a computation. */
  timestamp(): string
  /** Monotonic milliseconds. */
  now(): number
  /** Calls `then` after `ms` monotonic milliseconds unless cancelled. */
  after(ms: number, then: () => void): { cancel(): void }
}

/** setTimeout fires at once beyond 2^31 − 1 ms; longer waits are made of shorter ones. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Why a deadline's signal aborted: the time is over. With another reason, its parent has aborted. */
export const DEADLINE = Symbol('deadline')

/** A signal that aborts after `ms` with the reason `DEADLINE`, or with `parent`; `cancel` releases the timer. */
export function deadlineSignal(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
): { readonly signal: AbortSignal; cancel(): void } {
  const deadline = new AbortController()
  const timer = clock.after(ms, () => {
    deadline.abort(DEADLINE)
  })
  return { signal: AbortSignal.any([deadline.signal, parent]), cancel: () => timer.cancel() }
}

function systemTimer(ms: number, then: () => void): { cancel(): void } {
  let handle: NodeJS.Timeout
  const wait = (left: number): void => {
    const step = Math.min(left, LONGEST_TIMEOUT_MS)
    handle = setTimeout(() => {
      if (left > step) wait(left - step)
      else then()
    }, step)
  }
  wait(ms)
  return {
    cancel: () => {
      clearTimeout(handle)
    },
  }
}

export const systemClock: Clock = {
  timestamp: () => new Date().toISOString(),
  now: () => performance.now(),
  after: systemTimer,
}
