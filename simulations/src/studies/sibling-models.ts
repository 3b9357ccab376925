/** Cells that start from the final model of another cell of their study. */
import { readFile } from 'node:fs/promises'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import type { Cell } from './load-study.js'
import type { FinishedCell } from './run-study.js'

export type Place = Pick<Cell, 'setting' | 'variant' | 'seed'>

/** The cells that start from what this one ends with. */
export const startingFrom = (cells: readonly Cell[], { setting, variant, seed }: Place): Cell[] =>
  cells.filter(
    (cell) => cell.startsFrom === variant && cell.setting === setting && cell.seed === seed,
  )

/** The cell with the hash of what it starts from, now that it is known. */
export const withStart = (cell: Cell, startFrom: Hash): Cell => ({
  ...cell,
  config: { ...cell.config, startFrom },
})

/** A cell as it is run, and the finished one that it starts from; null where its configuration says from what. */
export interface ReadyCell {
  readonly cell: Cell
  readonly start: FinishedCell | null
}

/** `finished` holds all cells that came before. Throws `internal/bug` where the one it starts from is not among them. */
export function readyCell(cell: Cell, finished: readonly FinishedCell[]): ReadyCell {
  if (cell.startsFrom === null) return { cell, start: null }
  const start = finished.find(
    ({ result: { setting, variant, seed } }) =>
      variant === cell.startsFrom && setting === cell.setting && seed === cell.seed,
  )
  const hash = start?.result.modelHash ?? null
  if (start === undefined || hash === null)
    throw new FederationError('internal/bug', `Nothing to start from: ${cell.startsFrom}`)
  return { cell: withStart(cell, hash), start }
}

/** The encoded bundle of its final model; null where it is gone or no longer what it was. */
export async function modelOf({ run, result }: FinishedCell): Promise<Uint8Array | null> {
  if (run === null) return null
  try {
    const bytes = await readFile(run.model)
    return sha256(bytes) === result.modelHash ? bytes : null
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (code === 'ENOENT') return null
    throw new FederationError('store/io', `Could not read ${run.model}: ${code}`, { cause })
  }
}
