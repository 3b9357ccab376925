import { setTimeout as sleep } from 'node:timers/promises'

/** Waits, or rejects as soon as the signal aborts. */
export const waitAbortable = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal })
