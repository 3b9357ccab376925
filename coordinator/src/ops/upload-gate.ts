import { FederationError } from '#protocol/errors.js'
import type { Clock } from '#coordinator/clock.js'
import type { ServerLimits } from './limits.js'

type GateLimits = Pick<
  ServerLimits,
  'uploadBytes' | 'uploadStallMs' | 'uploadBytesPerSecond' | 'uploadWaitMs'
>
export interface UploadGateOptions {
  readonly clock: Clock
  readonly limits: GateLimits
  /** What one upload may have in memory: the chunks that are not acknowledged yet. */
  readonly bytesPerUpload: number
  readonly onSlow?: () => void
}
/** A place for one upload, held until it is left or taken away. */
export interface Place {
  /** Taken away from an upload that stood still. */
  readonly isLost: boolean
  received(bytes: number): void
  /** Again changes nothing. */
  leave(): void
}

/**
 * Bounds the memory that updates on their way in may take: as many upload at the same time as fit in the budget, the others
 * wait in the order in which they came. Who holds a place must use it: reliability specification §2, T11 (upload deadline and
 * minimum rate). What has arrived stays on disk, so an upload that lost its place goes on where it was.
 */
export class UploadGate {
  readonly #options: UploadGateOptions
  readonly #places: number
  readonly #held = new Set<HeldPlace>()
  readonly #waiting: (() => void)[] = []

  constructor(options: UploadGateOptions) {
    this.#options = options
    this.#places = Math.max(1, Math.floor(options.limits.uploadBytes / options.bytesPerUpload))
  }

  get places(): number {
    return this.#places
  }
  get active(): number {
    return this.#held.size
  }
  get waiting(): number {
    return this.#waiting.length
  }

  /** Throws `upload/too-slow` when there was no place in time, and the signal's reason when it aborts. */
  async enter(signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted()
    return this.#held.size < this.#places ? this.#take() : this.#turn(signal)
  }

  #take(): Place {
    const place = new HeldPlace(this.#options, () => {
      this.#held.delete(place)
      this.#next()
    })
    this.#held.add(place)
    return place
  }

  #turn(signal: AbortSignal): Promise<Place> {
    const { clock, limits } = this.#options
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', abort)
        this.#waiting.splice(this.#waiting.indexOf(come), 1)
      }
      // Taken here, not by whoever waits: nobody may slip in before that goes on.
      const come = (): void => {
        end()
        resolve(this.#take())
      }
      const abort = (): void => {
        end()
        reject(signal.reason as Error)
      }
      const timer = clock.after(limits.uploadWaitMs, () => {
        end()
        const message = `${this.#places} other updates are being received; there was no room in time`
        reject(new FederationError('upload/too-slow', message))
      })
      signal.addEventListener('abort', abort)
      this.#waiting.push(come)
    })
  }

  #next(): void {
    if (this.#held.size < this.#places) this.#waiting[0]?.()
  }
}

class HeldPlace implements Place {
  readonly #options: UploadGateOptions
  readonly #release: () => void
  #timer: { cancel(): void } | null = null
  #received = 0
  isLost = false

  constructor(options: UploadGateOptions, release: () => void) {
    this.#options = options
    this.#release = release
    this.#watch()
  }

  received(bytes: number): void {
    this.#received += bytes
  }
  leave(): void {
    if (this.#timer === null) return
    this.#timer.cancel()
    this.#timer = null
    this.#release()
  }

  #watch(): void {
    const { clock, limits, onSlow } = this.#options
    const due = (limits.uploadBytesPerSecond * limits.uploadStallMs) / 1000
    this.#timer = clock.after(limits.uploadStallMs, () => {
      if (this.#received >= due) {
        this.#received = 0
        this.#watch()
        return
      }
      this.isLost = true
      onSlow?.()
      this.leave()
    })
  }
}
