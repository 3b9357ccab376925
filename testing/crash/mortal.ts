/**
 * A coordinator's life within a test's process: when it dies, nothing that it still had in hand reaches what outlives it.
 * For crash conformance, which has no process to kill.
 */
import { systemClock, type Clock } from '#coordinator/clock.js'
import type { BlobStore, Store } from '#coordinator/store/store.js'
import type { Vault } from '#coordinator/vault/vault.js'

export class Crash extends Error {
  override readonly name = 'Crash'
}

const A_PAUSE_MS = 1000

export class Life {
  readonly #end: (() => void)[] = []
  #isOver = false
  #wasKilled = false
  /** Resolves at the death. */
  readonly died = new Promise<void>((resolve) => this.#end.push(resolve))

  get isOver(): boolean {
    return this.#isOver
  }
  get wasKilled(): boolean {
    return this.#wasKilled
  }
  /** From here on nothing of it happens any more. */
  kill(): void {
    this.#wasKilled = true
    this.end()
  }
  /** The same, when it has done what it was to do. */
  end(): void {
    this.#isOver = true
    for (const end of this.#end.splice(0)) end()
  }
  assertAlive(): void {
    if (this.#isOver) throw new Crash('This coordinator is dead')
  }
  /** Timers end with the life that set them. */
  readonly clock: Clock = {
    timestamp: () => systemClock.timestamp(),
    now: () => systemClock.now(),
    after: (ms, then) => {
      if (this.#isOver) return { cancel: () => undefined }
      // Pauses before another try need not be as long as between machines.
      const timer = systemClock.after(ms <= A_PAUSE_MS ? ms / 50 : ms, then)
      this.#end.push(() => timer.cancel())
      return timer
    },
  }

  /** Everything that the store does is refused after the death, and what it was doing is not heard of. */
  store(real: Store): Store {
    return this.guard<Store>(real, { blobs: this.guard<BlobStore>(real.blobs) })
  }
  vault(real: Vault): Vault {
    const blobs: Vault['blobs'] = async (name) => {
      const sealed = await real.blobs(name)
      return sealed === null ? null : this.guard(sealed)
    }
    return this.guard<Vault>(real, { blobs })
  }
  guard<T extends object>(real: T, instead: Partial<T> = {}): T {
    return new Proxy(real, {
      get: (target, key) => {
        if (Object.hasOwn(instead, key)) return instead[key as keyof T]
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          this.assertAlive()
          const result: unknown = Reflect.apply(
            value as (...all: unknown[]) => unknown,
            target,
            args,
          )
          return result instanceof Promise ? this.#heard(result) : result
        }
      },
    })
  }
  async #heard<T>(result: Promise<T>): Promise<T> {
    const value = await result
    this.assertAlive()
    return value
  }
}
