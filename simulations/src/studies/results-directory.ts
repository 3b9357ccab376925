/** `DIR/cells/<setting>--<variant>--<seed>.json`: the finished cells of a study, kept as they finish. */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { writeWhole } from '#simulations/run-files.js'
import { cellResultSchema, type CellResult } from './cell-result.js'
import type { Cell } from './load-study.js'

const cellFile = (
  directory: string,
  { setting, variant, seed }: Pick<Cell, 'setting' | 'variant' | 'seed'>,
): string => join(directory, 'cells', `${setting}--${variant}--${seed}.json`)

/** Null where there is none, or where it is of another format: that cell is run again. */
export async function readCellResult(directory: string, cell: Cell): Promise<CellResult | null> {
  try {
    const value: unknown = JSON.parse(await readFile(cellFile(directory, cell), 'utf8'))
    const parsed = cellResultSchema.safeParse(value)
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

export const writeCellResult = (directory: string, result: CellResult): Promise<void> =>
  writeResultFile(cellFile(directory, result), cellText(result))

/** A line for each client: a cell of a hundred clients stays readable. */
const cellText = (result: CellResult): string =>
  JSON.stringify(result, null, 2)
    .replaceAll(
      /\{\s+"slot": (\S+),\s+"accuracy": (\S+),\s+"examples": (\S+)\s+\}/g,
      '{ "slot": $1, "accuracy": $2, "examples": $3 }',
    )
    .concat('\n')

/** Makes the folder where it lacks. Throws `store/io`. */
export async function writeResultFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeWhole(path, text)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write ${path}`, { cause })
  }
}
