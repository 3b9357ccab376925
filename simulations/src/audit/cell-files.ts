import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { cellResultSchema, type CellResult } from '#algorithms/audit/run/cell-result.js'
import type { CellCheckpoints } from '#algorithms/audit/run/checkpoints.js'
import { writeForOwner } from './owner-files.js'

/**
 * Finished cells, `DIR/cells/<key>.json`: of an audit that may have to go on later, readable for their owner alone. Numbers
 * only: an interrupted audit has no day by which somebody deletes its pictures.
 */
export class CellFiles implements CellCheckpoints {
  readonly #directory: string
  readonly #withPictures: boolean

  /** `withPictures`: cells are computed again, because nothing keeps their pictures. */
  constructor(out: string, { withPictures }: { readonly withPictures: boolean }) {
    this.#directory = join(out, 'cells')
    this.#withPictures = withPictures
  }

  async get(key: Hash): Promise<CellResult | null> {
    if (this.#withPictures) return null
    const result = await readCell(this.#path(key))
    // An earlier version kept pictures.
    return result?.key === key ? { ...result, pictures: null } : null
  }

  async put(result: CellResult): Promise<void> {
    await writeForOwner(this.#path(result.key), JSON.stringify({ ...result, pictures: null }))
  }

  /** Once there is a report, nothing is left to go on with. */
  async clear(): Promise<void> {
    try {
      await rm(this.#directory, { recursive: true, force: true })
    } catch (cause) {
      throw new FederationError('audit/unwritable', `Could not remove ${this.#directory}`, {
        cause,
      })
    }
  }

  #path(key: string): string {
    return join(this.#directory, `${key}.json`)
  }
}

/** Null for a file that is not there, or that is not whole: its cell is computed again. */
async function readCell(path: string): Promise<CellResult | null> {
  try {
    const parsed = cellResultSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
