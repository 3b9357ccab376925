import type { CellResult } from '#algorithms/audit/run/cell-result.js'
import type { AuditCell } from '#algorithms/audit/run/cells.js'
import type { CellProgress } from '#algorithms/audit/run/watch.js'
import { mean } from '#algorithms/audit/metrics/spread.js'

export interface AuditProgress {
  /** Finished cells, of all. */
  readonly cells: number
  readonly of: number
  /** 0 … 1: of the cells, with what was done of those that are under way. */
  readonly share: number
  /** Null: nothing is known yet. */
  readonly secondsLeft: number | null
  /** Rows and attacks under way. */
  readonly now: readonly { readonly row: number; readonly batch: number; readonly method: string }[]
}

interface Open {
  readonly began: number
  share: number
  method: string
  /** Seconds so far. */
  seconds: number
}

/** How long an audit will take: cells of one row take about the same. */
export class Estimate {
  readonly #cells: readonly AuditCell[]
  readonly #processes: number
  readonly #seconds = new Map<AuditCell, number>()
  readonly #open = new Map<AuditCell, Open>()

  constructor(
    cells: readonly AuditCell[],
    finished: ReadonlyMap<AuditCell, CellResult>,
    processes: number,
  ) {
    this.#cells = cells
    this.#processes = processes
    for (const [cell, { seconds }] of finished) this.#seconds.set(cell, seconds)
  }

  /** `now`: milliseconds from any origin. */
  started(cell: AuditCell, now: number): void {
    this.#open.set(cell, { began: now, share: 0, method: '', seconds: 0 })
  }
  told(cell: AuditCell, { method, done, total }: CellProgress, now: number): void {
    const open = this.#open.get(cell)
    if (open === undefined) return
    open.method = method
    open.share = total === 0 ? 0 : done / total
    open.seconds = (now - open.began) / 1000
  }
  finished(cell: AuditCell, seconds: number): void {
    this.#open.delete(cell)
    this.#seconds.set(cell, seconds)
  }

  progress(): AuditProgress {
    const of = this.#cells.length
    const partly = [...this.#open.values()].reduce((sum, { share }) => sum + share, 0)
    return {
      ...{ cells: this.#seconds.size, of },
      share: of === 0 ? 1 : (this.#seconds.size + partly) / of,
      secondsLeft: this.#secondsLeft(),
      now: [...this.#open].map(([{ row, batch }, { method }]) => ({ row, batch, method })),
    }
  }

  #secondsLeft(): number | null {
    const known = this.#known()
    if (known.length === 0) return this.#seconds.size === this.#cells.length ? 0 : null
    const overall = mean(known.map(([, seconds]) => seconds))
    const left = this.#cells.reduce((sum, cell) => {
      if (this.#seconds.has(cell)) return sum
      const alike = known.filter(([other]) => other.row === cell.row)
      const whole = alike.length === 0 ? overall : mean(alike.map(([, seconds]) => seconds))
      return sum + whole * (1 - (this.#open.get(cell)?.share ?? 0))
    }, 0)
    return left / this.#processes
  }

  /** What cells take in all: those that are finished, and those far enough to tell. */
  #known(): readonly (readonly [AuditCell, number])[] {
    const guessed = [...this.#open].flatMap(([cell, { share, seconds }]) =>
      share < FAR_ENOUGH ? [] : [[cell, seconds / share] as const],
    )
    return [...this.#seconds, ...guessed]
  }
}
const FAR_ENOUGH = 0.02
