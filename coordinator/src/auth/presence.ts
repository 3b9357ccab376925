import type { Clock } from '#coordinator/clock.js'
import type { Claims } from './tokens.js'

/** Someone who is inside: a connection, or a request under way. */
export interface Stay {
  /** Sent away, or the token's time is over: nothing more is to be done for them. */
  readonly isOver: boolean
  /** Forgets about it: it has ended by itself. */
  leave(): void
}
interface Guest {
  readonly claims: Claims
  readonly end: () => void
  isOver: boolean
}

/**
 * Who is inside now. What ends a right ends everything that came in with it, at once: reliability specification §2, T2. A
 * stay that was begun also ends when its token does.
 */
export class Presence {
  readonly #clock: Clock
  readonly #nowSeconds: () => number
  readonly #guests = new Set<Guest>()

  constructor(clock: Clock, nowSeconds: () => number = () => Date.now() / 1000) {
    this.#clock = clock
    this.#nowSeconds = nowSeconds
  }

  get size(): number {
    return this.#guests.size
  }

  /** `end` is called at most once: when the right ends before the guest leaves. */
  enter(claims: Claims, end: () => void): Stay {
    const guest: Guest = { claims, end, isOver: false }
    this.#guests.add(guest)
    const msLeft = Math.max(claims.expiresAt - this.#nowSeconds(), 0) * 1000
    const timer = this.#clock.after(msLeft, () => this.#sendAway(guest))
    return {
      get isOver() {
        return guest.isOver
      },
      leave: () => {
        timer.cancel()
        this.#guests.delete(guest)
      },
    }
  }

  /** Sends everyone away who fits. */
  end(fits: (claims: Claims) => boolean): void {
    for (const guest of [...this.#guests]) if (fits(guest.claims)) this.#sendAway(guest)
  }

  #sendAway(guest: Guest): void {
    if (!this.#guests.delete(guest)) return
    guest.isOver = true
    guest.end()
  }
}
