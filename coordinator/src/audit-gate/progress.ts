/** How far an audit is, and how long it will take: from what its cells took so far. */
export class AuditProgress {
  readonly total: number
  #done = 0
  #share = 0
  /** Of cells that were computed, in this process or before. */
  readonly #seconds: number[] = []
  #begun = 0

  constructor(total: number) {
    this.total = total
  }

  get done(): number {
    return this.#done
  }
  begin(now: number): void {
    this.#begun = now
    this.#share = 0
  }
  move(share: number): void {
    this.#share = Math.min(1, Math.max(0, share))
  }
  finish(seconds: number): void {
    this.#done += 1
    this.#share = 0
    this.#seconds.push(seconds)
  }
  /** Null before there is anything to judge by. `now` in milliseconds, on the clock of `begin`. */
  secondsLeft(now: number): number | null {
    const elapsed = (now - this.#begun) / 1000
    const current = this.#share > 0.02 ? elapsed / this.#share : null
    const known = current === null ? this.#seconds : [...this.#seconds, current]
    if (known.length === 0) return null
    const mean = known.reduce((sum, one) => sum + one, 0) / known.length
    const left = this.total - this.#done - this.#share
    return Math.max(0, left * mean)
  }
}

/** For people. */
export function progressText(done: number, total: number, secondsLeft: number | null): string {
  const left = secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`
  return `The privacy audit before the first round: ${done} of ${total} parts done${left}`
}

export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = seconds / 60
  return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`
}
