import type { NodeId, RunId } from '#protocol/ids.js'
import type { Clock } from '#coordinator/clock.js'

/** A node that fails so often in a row is not asked for a while … */
const FAILURES = 3
/** … for this long, then for twice as long after each further failure, up to an hour. */
const [SHORTEST_MS, LONGEST_MS] = [60_000, 3_600_000]

/** A node of a run that is not asked now. `failures`: in a row. */
export interface CoolDown {
  readonly runId: RunId
  readonly nodeId: NodeId
  readonly failures: number
  readonly seconds: number
  /** Of the last failure. */
  readonly reason: string
}
interface Entry {
  readonly runId: RunId
  readonly nodeId: NodeId
  readonly failures: number
  /** On the clock; it has passed where there is no cool-down. */
  readonly until: number
  readonly reason: string
}

/**
 * Nodes that fail repeatedly in a run, so that its rounds do not wait for them again and again. What makes a node fail in one
 * run need not in another, so each run has its own. Kept in memory: after a restart every node has a fresh start.
 */
export class CoolDowns {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a failure. The cool-down that begins with it; null: none does. */
  failed(runId: RunId, nodeId: NodeId, reason: string): CoolDown | null {
    const failures = (this.#entries.get(keyOf(runId, nodeId))?.failures ?? 0) + 1
    const beyond = failures - FAILURES
    const ms = beyond < 0 ? 0 : Math.min(LONGEST_MS, SHORTEST_MS * 2 ** beyond)
    const entry = { runId, nodeId, failures, until: this.#clock.now() + ms, reason }
    this.#entries.set(keyOf(runId, nodeId), entry)
    return beyond < 0 ? null : this.#view(entry)
  }
  succeeded(runId: RunId, nodeId: NodeId): void {
    this.#entries.delete(keyOf(runId, nodeId))
  }
  /** The run is over. */
  forget(runId: RunId): void {
    for (const [key, entry] of this.#entries) if (entry.runId === runId) this.#entries.delete(key)
  }

  of(runId: RunId, nodeId: NodeId): CoolDown | null {
    const entry = this.#entries.get(keyOf(runId, nodeId))
    return entry === undefined || !this.#isOn(entry) ? null : this.#view(entry)
  }
  /** All that last now. */
  list(): readonly CoolDown[] {
    return [...this.#entries.values()]
      .filter((entry) => this.#isOn(entry))
      .map((entry) => this.#view(entry))
  }
  /** Milliseconds until the first of them ends; null: there is none. */
  get nextEndMs(): number | null {
    const ends = [...this.#entries.values()].filter((entry) => this.#isOn(entry))
    if (ends.length === 0) return null
    return Math.min(...ends.map(({ until }) => until)) - this.#clock.now()
  }

  #isOn({ until }: Entry): boolean {
    return until > this.#clock.now()
  }
  #view({ until, ...entry }: Entry): CoolDown {
    return { ...entry, seconds: Math.ceil((until - this.#clock.now()) / 1000) }
  }
}

const keyOf = (runId: RunId, nodeId: NodeId): string => `${runId} ${nodeId}`
