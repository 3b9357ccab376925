import { setTimeout as sleep } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'

const AGAIN_MS = 500

/** Does it until it succeeds. Throws what another try cannot cure, and as soon as the signal aborts. */
export async function untilDone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof FederationError) || !error.retryable) throw error
    }
    await sleep(AGAIN_MS, undefined, { signal })
  }
}
