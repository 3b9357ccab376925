/** Arrivals that do not wait for answers: reliability specification §4. */
import { setTimeout as pause } from 'node:timers/promises'

/** What became of one arrival, in milliseconds since the first was due. */
export interface Arrival {
  readonly index: number
  /** When it was due: latency counts from here, so that a stall of the server shows in everyone who had to wait for it. */
  readonly intendedMs: number
  readonly startedMs: number
  readonly endedMs: number
  /** `ok`, or the code of the problem. */
  readonly outcome: string
}
export interface Arrivals {
  readonly count: number
  /** A second. */
  readonly rate: number
  /** Resolves with `ok` or the code of the problem; must not reject. */
  readonly one: (index: number) => Promise<string>
  readonly signal?: AbortSignal
}

/**
 * Starts `count` arrivals at a fixed rate, however long they take, and resolves when all have ended. What is late starts at
 * once; nothing is left out. An aborted signal starts no more.
 */
export async function atFixedRate({
  count,
  rate,
  one,
  signal,
}: Arrivals): Promise<readonly Arrival[]> {
  const begun = performance.now()
  const since = (): number => performance.now() - begun
  const running: Promise<Arrival>[] = []
  for (let index = 0; index < count && signal?.aborted !== true; index += 1) {
    const intendedMs = (index * 1000) / rate
    const early = intendedMs - since()
    if (early > 0) await pause(early)
    const startedMs = since()
    running.push(
      one(index).then((outcome) => ({
        ...{ index, intendedMs, startedMs, endedMs: since(), outcome },
      })),
    )
  }
  return Promise.all(running)
}

/** How often each outcome but `ok` came. */
export function problemsAmong(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const problems = new Map<string, number>()
  for (const outcome of outcomes) {
    if (outcome !== 'ok') problems.set(outcome, (problems.get(outcome) ?? 0) + 1)
  }
  return Object.fromEntries(problems)
}
