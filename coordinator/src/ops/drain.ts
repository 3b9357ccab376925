import type { Clock } from '#coordinator/clock.js'

/** What is being handled now, so that a coordinator that was told to stop can let it finish. */
export class Drain {
  #underWay = 0
  #isDraining = false
  #idle: (() => void) | null = null

  /** Told to stop: nothing new is to be begun. */
  get isDraining(): boolean {
    return this.#isDraining
  }
  get underWay(): number {
    return this.#underWay
  }

  /** Counts one thing; call what it returns, once, when it is over. */
  enter(): () => void {
    this.#underWay += 1
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.()
    }
  }

  /** From now on nothing new begins. Resolves when nothing is under way any more, or after `ms`: true, or false. */
  async drained(clock: Clock, ms: number): Promise<boolean> {
    this.#isDraining = true
    if (this.#underWay === 0) return true
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => resolve(false))
      this.#idle = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }
}
