import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { cellResultSchema, type CellResult } from '#algorithms/audit/run/cell-result.js'
import type { CellCheckpoints } from '#algorithms/audit/run/checkpoints.js'
import { writeForOwner } from './owner-files.js'

/**
 * Finished cells of an audit that may have to go on later, readable for their owner alone: `DIR/cells/<key>.json`, numbers only,
 * and `<key>.pictures.json` beside it where somebody said until when pictures may be kept.
 */
export class CellFiles implements CellCheckpoints {
  readonly #directory: string
  readonly #retainUntil: string | null

  /** `retainUntil`: the day by which pictures are deleted, YYYY-MM-DD; null: none are kept. */
  constructor(out: string, { retainUntil }: { readonly retainUntil: string | null }) {
    this.#directory = join(out, 'cells')
    this.#retainUntil = retainUntil
  }

  /** Null also where its pictures are wanted and were not kept until that day: it is computed again. */
  async get(key: Hash): Promise<CellResult | null> {
    const result = await readAs(cellResultSchema, this.#path(key))
    if (result?.key !== key) return null
    if (this.#retainUntil === null) return { ...result, pictures: null }
    const kept = await readAs(picturesSchema, this.#path(`${key}.pictures`))
    if (kept?.key !== key || kept.retainUntil !== this.#retainUntil) return null
    return { ...result, pictures: kept.pictures }
  }

  async put(result: CellResult): Promise<void> {
    const { key, pictures } = result
    const retainUntil = this.#retainUntil
    if (pictures !== null && retainUntil !== null) {
      const kept: KeptPictures = { key, retainUntil, pictures: [...pictures] }
      await writeForOwner(this.#path(`${key}.pictures`), JSON.stringify(kept))
    }
    await writeForOwner(this.#path(key), JSON.stringify({ ...result, pictures: null }))
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

  #path(name: string): string {
    return join(this.#directory, `${name}.json`)
  }
}

const picturesSchema = z.strictObject({
  key: z.string(),
  retainUntil: z.iso.date(),
  pictures: cellResultSchema.shape.pictures.unwrap(),
})
type KeptPictures = z.infer<typeof picturesSchema>

/** Null for a file that is not there, or that is not whole: its cell is computed again. Throws what else keeps it from being read. */
async function readAs<Value>(schema: z.ZodType<Value>, path: string): Promise<Value | null> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return parsed.success ? parsed.data : null
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    if (isAbsent || cause instanceof SyntaxError) return null
    throw new FederationError('audit/unwritable', `Cannot read ${path}`, { cause })
  }
}
