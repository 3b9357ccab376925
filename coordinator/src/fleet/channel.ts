/** Values pushed from elsewhere, for one reader. What was pushed before the end is still read. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #values: T[] = []
  #wake: () => void = () => undefined
  #isEnded = false

  push(value: T): void {
    this.#values.push(value)
    this.#wake()
  }
  end(): void {
    this.#isEnded = true
    this.#wake()
  }
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const [value] = this.#values.splice(0, 1)
      if (value !== undefined) yield value
      else if (this.#isEnded) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
