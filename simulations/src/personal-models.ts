/** The models of their own that the clients of a simulated run end with, as files: one for each slot that has one. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Hash, Slot } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { methodOf } from '#algorithms/from-config.js'
import type { ClientPool } from './client-pool.js'
import { writeWhole } from './run-files.js'

export interface PersonalModelFile {
  readonly slot: Slot
  readonly name: string
  /** Of the params as the client keeps them: what `client export` prints on a node. Null: it has no model of its own yet. */
  readonly hash: Hash | null
  /** Path of the file, labelled with its model and task. */
  readonly model: string | null
}

/** Throws `model/not-personal` for a method whose clients share one model. */
export function assertPersonal(config: RunConfig): void {
  const { personal, name } = methodOf(config)
  if (personal === true) return
  const message = `Clients of ${name} keep no model of their own: they share the one that the run ends with`
  throw new FederationError('model/not-personal', message)
}

/** Writes `<folder>/personal/<slot>.bundle`. Throws `store/io`. */
export async function writePersonalModels(
  pool: Pick<ClientPool, 'blobs' | 'personalModels'>,
  { roster }: Pick<RunRecord, 'roster'>,
  folder: string,
): Promise<readonly PersonalModelFile[]> {
  const directory = join(folder, 'personal')
  const kept = await pool.personalModels(roster.map(({ slot }) => slot))
  try {
    await mkdir(directory, { recursive: true })
    const files: PersonalModelFile[] = []
    for (const [i, { slot, name }] of roster.entries()) {
      const { hash, blob } = kept[i] ?? { hash: null, blob: null }
      const bytes = blob === null ? null : await pool.blobs.get(blob)
      const model = bytes === null ? null : join(directory, `${slot}.bundle`)
      if (bytes !== null && model !== null) await writeWhole(model, bytes)
      files.push({ slot, name, hash, model })
    }
    return files
  } catch (cause) {
    throw new FederationError('store/io', `Could not write personal models to ${directory}`, {
      cause,
    })
  }
}
