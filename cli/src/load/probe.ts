import { asFederationError } from '#protocol/errors.js'
import { atFixedRate, type Arrival } from '#simulations/load/open-loop.js'

const PER_SECOND = 10

export interface Probing {
  /** Resolves with every call that was made. */
  stop(): Promise<readonly Arrival[]>
}

/**
 * Makes a small call ten times a second, whatever became of the ones before. Each answer takes the event loop of the
 * coordinator, so it cannot come sooner than that gets round to it: an upper bound of how late the loop is.
 */
export function probe(call: () => Promise<unknown>): Probing {
  const over = new AbortController()
  const arrivals = atFixedRate({
    ...{ count: Infinity, rate: PER_SECOND, signal: over.signal },
    one: () =>
      call().then(
        () => 'ok',
        (error: unknown) => asFederationError(error, 'coordinator/unreachable').code,
      ),
  })
  return {
    stop: () => {
      over.abort()
      return arrivals
    },
  }
}
