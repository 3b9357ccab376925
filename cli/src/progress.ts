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
const NONE: RoundProgress = { show: () => undefined, clear: () => undefined }

/** A bar of the open round's updates on a terminal; nothing elsewhere, where closed rounds are lines anyway. */
export function roundProgress(out: Output): RoundProgress {
  if (out.json || !process.stderr.isTTY) return NONE
  let bar: SingleBar | null = null
  const clear = (): void => {
    bar?.stop()
    bar = null
  }
  return {
    clear,
    show: ({ type, data }) => {
      if (type === 'round:opened') {
        clear()
        const cohort = Array.isArray(data['cohort']) ? data['cohort'].length : 0
        bar = new SingleBar({
          format: `  round ${String(data['round'])} [{bar}] {value}/{total} updates`,
          clearOnComplete: true,
          stream: process.stderr,
        })
        bar.start(cohort, 0)
      } else if (type === 'update:accepted') bar?.increment()
      else if (type === 'round:closed' || type.startsWith('run:')) clear()
    },
  }
}

export interface CellProgress {
  start(title: string, rounds: number): void
  closed(round: number): void
  clear(): void
}

/** A bar of the rounds of one run among many, on a terminal. */
export function cellProgress(out: Output): CellProgress {
  let bar: SingleBar | null = null
  const clear = (): void => {
    bar?.stop()
    bar = null
  }
  return {
    clear,
    start: (title, rounds) => {
      clear()
      if (out.json || !process.stderr.isTTY) return
      bar = new SingleBar({
        format: `${title} [{bar}] {value}/{total} rounds`,
        clearOnComplete: true,
        stream: process.stderr,
      })
      bar.start(rounds, 0)
    },
    closed: (round) => bar?.update(Math.min(round, bar.getTotal())),
  }
}
