import { SingleBar } from 'cli-progress'
import type { Output } from './output.js'

/** What a run's events tell of the open round. */
export interface RunEvent {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}
export interface RoundProgress {
  show(event: RunEvent): void
  /** Takes the bar away, so that a line can be printed. */
  clear(): void
}

/** One bar at a time on a terminal; nothing elsewhere. */
export class TerminalBar {
  readonly isShown: boolean
  #bar: SingleBar | null = null

  constructor(out: Output) {
    this.isShown = !out.json && process.stderr.isTTY
  }
  /** `format` as cli-progress has it; takes the place of the one before. */
  start(format: string, total: number, words: object = {}): void {
    this.clear()
    if (!this.isShown) return
    this.#bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr })
    this.#bar.start(total, 0, words)
  }
  update(done: number, words: object = {}): void {
    this.#bar?.update(Math.min(done, this.#bar.getTotal()), words)
  }
  increment(): void {
    this.#bar?.increment()
  }
  clear(): void {
    this.#bar?.stop()
    this.#bar = null
  }
}

/** A bar of the open round's updates; elsewhere closed rounds are lines anyway. */
export function roundProgress(out: Output): RoundProgress {
  const bar = new TerminalBar(out)
  return {
    clear: () => bar.clear(),
    show: ({ type, data }) => {
      if (type === 'round:opened') {
        const { cohort } = data
        // A number where it is hidden who they are.
        const asked = Array.isArray(cohort) ? cohort.length : Number(cohort ?? 0)
        bar.start(`  round ${String(data['round'])} [{bar}] {value}/{total} updates`, asked)
      } else if (type === 'update:accepted') bar.increment()
      else if (type === 'round:closed' || type.startsWith('run:')) bar.clear()
    },
  }
}

export interface CellProgress {
  start(title: string, rounds: number): void
  closed(round: number): void
  clear(): void
}

/** A bar of the rounds of one run among many. */
export function cellProgress(out: Output): CellProgress {
  const bar = new TerminalBar(out)
  return {
    clear: () => bar.clear(),
    start: (title, rounds) => bar.start(`${title} [{bar}] {value}/{total} rounds`, rounds),
    closed: (round) => bar.update(round),
  }
}
