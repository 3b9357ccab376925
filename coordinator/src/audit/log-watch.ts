import type { Hash } from '#protocol/ids.js'
import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import { entriesOf, knownByHeads, LogCheck, type LogFault, type LogVerdict } from './verify-log.js'

/** What was checked is checked once more after so long: somebody may have changed it since. */
const WHOLE_AGAIN_MS = 3_600_000

export interface LogWatchOptions {
  readonly store: Pick<Store, 'audits' | 'runs' | 'head'>
  readonly clock: Clock
}

/** Whether the audit log still is what was written. Each look checks what has come since the one before. */
export class LogWatch {
  readonly #options: LogWatchOptions
  #check = new LogCheck()
  /** Of all entries that were checked: heads of runs know some. */
  #hashes = new Set<Hash>()
  #fault: LogFault | null = null
  #wholeAt = -Infinity
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: LogWatchOptions) {
    this.#options = options
  }

  look(): Promise<LogVerdict> {
    const turn = this.#turn.then(() => this.#look())
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #look(): Promise<LogVerdict> {
    const { store, clock } = this.#options
    if (clock.now() - this.#wholeAt >= WHOLE_AGAIN_MS) this.#beginAnew(clock.now())
    if (this.#fault !== null) return this.#check.verdict(this.#fault)
    // Before the entries: what a head knows was written before the head was.
    const known = await knownByHeads(store)
    for await (const entry of entriesOf(store, this.#check.entries)) {
      this.#fault = this.#check.take(entry)
      if (this.#fault !== null) return this.#check.verdict(this.#fault)
      if (this.#check.head !== null) this.#hashes.add(this.#check.head)
    }
    const lost = known.find(({ hash }) => !this.#hashes.has(hash))
    this.#fault = lost === undefined ? null : this.#check.endedBefore(lost)
    return this.#check.verdict(this.#fault)
  }

  #beginAnew(now: number): void {
    this.#wholeAt = now
    this.#check = new LogCheck()
    this.#hashes = new Set()
    this.#fault = null
  }
}
