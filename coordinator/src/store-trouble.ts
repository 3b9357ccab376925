import { asFederationError, type FederationError } from '#protocol/errors.js'
import { deadlineSignal, type Clock } from './clock.js'

/** A disk that is full, or a database that is away, is asked again after so long: doubled each time, up to the last. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 60_000]

export interface Patience {
  readonly clock: Clock
  /** Ends the waiting, too. */
  readonly signal: AbortSignal
  /** Told why it waits, each time. */
  readonly onTrouble: (error: FederationError) => void
}

/**
 * Does it again, from its beginning, for as long as it fails with `store/io`: what is stored stays as it was, so a person who
 * makes room has no run to repair. Throws every other error. Resolves when it is done, or the signal aborts while it waits.
 */
export async function despiteStoreTrouble(
  work: () => Promise<unknown>,
  { clock, signal, onTrouble }: Patience,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS
  let failedAt = -Infinity
  while (!signal.aborted) {
    try {
      await work()
      return
    } catch (cause) {
      const error = asFederationError(cause)
      if (error.code !== 'store/io') throw error
      // It worked for a while: this is another trouble.
      if (clock.now() - failedAt > 2 * LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS
      onTrouble(error)
    }
    await pause(clock, pauseMs, signal)
    failedAt = clock.now()
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const over = deadlineSignal(clock, ms, signal)
  return new Promise((resolve) => {
    const end = (): void => {
      over.cancel()
      resolve()
    }
    if (over.signal.aborted) end()
    else over.signal.addEventListener('abort', end, { once: true })
  })
}
