/** What goes wrong in the life of one coordinator, from a seed alone: the same seed, the same plan. */
import { createStreams, type Stream } from '#protocol/random.js'

export type Mischief =
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'half-close'; readonly side: 'node' | 'coordinator' }
  /** SIGSTOP, and SIGCONT after that. */
  | { readonly kind: 'stop'; readonly milliseconds: number }
  /** The wall clock is set that far beside the real time. */
  | { readonly kind: 'clock'; readonly milliseconds: number }
export interface LifePlan {
  /** Between a coordinator's first word and its death. */
  readonly killAfterMs: number
  /** In order; `afterMs`: since the one before. */
  readonly mischief: readonly { readonly afterMs: number; readonly what: Mischief }[]
}
export interface PlanOptions {
  readonly seed: number
  readonly campaign: number
  readonly life: number
  /** The longest that a coordinator stands still. */
  readonly longestStopMs: number
}

/** Reliability specification §3: a random kill every 0.2 to 3 s. */
const [FIRST_KILL_MS, LAST_KILL_MS] = [200, 3000]
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 600]
const HOUR_MS = 3_600_000
/** Stops that outlast everything else come in one life of so many. */
const LONG_STOP_EVERY = 15
const KINDS = ['delay', 'cut', 'half-close', 'stop', 'clock'] as const

export function planOf({ seed, campaign, life, longestStopMs }: PlanOptions): LifePlan {
  const stream = createStreams(seed)('nemesis', campaign, life)
  const between = (low: number, high: number): number => low + stream.uniform() * (high - low)
  const killAfterMs = between(FIRST_KILL_MS, LAST_KILL_MS)
  const mischief: { afterMs: number; what: Mischief }[] = []
  const isLong = longestStopMs > LAST_KILL_MS && stream.integer(LONG_STOP_EVERY) === 0
  if (isLong) {
    const what = { kind: 'stop', milliseconds: longestStopMs } as const
    mischief.push({ afterMs: between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS), what })
  }
  const usualStopMs = Math.min(longestStopMs, LAST_KILL_MS)
  for (let at = 0; at < killAfterMs; at += mischief.at(-1)?.afterMs ?? 0) {
    const afterMs = between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS)
    mischief.push({ afterMs, what: mischiefOf(stream, between, usualStopMs) })
  }
  return { killAfterMs: killAfterMs + (isLong ? longestStopMs : 0), mischief }
}

function mischiefOf(
  stream: Stream,
  between: (low: number, high: number) => number,
  longestStopMs: number,
): Mischief {
  const kind = KINDS[stream.integer(KINDS.length)] ?? 'cut'
  switch (kind) {
    case 'delay':
      return { kind, milliseconds: stream.integer(2) === 0 ? 0 : between(1, 60) }
    case 'cut':
      return { kind }
    case 'half-close':
      return { kind, side: stream.integer(2) === 0 ? 'node' : 'coordinator' }
    case 'stop':
      return { kind, milliseconds: between(longestStopMs / 10, longestStopMs) }
    case 'clock':
      return { kind, milliseconds: [-HOUR_MS, 0, HOUR_MS][stream.integer(3)] ?? 0 }
  }
}
