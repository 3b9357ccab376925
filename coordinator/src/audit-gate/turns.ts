/** One at a time, in the order in which they asked. */
export class Turns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves with how to give the turn back; null when the signal aborted first. */
  async take(signal: AbortSignal): Promise<(() => void) | null> {
    let giveBack: () => void = () => undefined
    const before = this.#last
    this.#last = new Promise((resolve) => (giveBack = resolve))
    await Promise.race([before, aborted(signal)])
    if (!signal.aborted) return giveBack
    // Whoever comes next waits for the one before.
    void before.then(giveBack)
    return null
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
