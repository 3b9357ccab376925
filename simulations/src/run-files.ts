import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import type { PersonalModelFile } from './personal-models.js'

/** A run that has ended, and where its files lie. */
export interface SimulatedRun {
  readonly record: RunRecord
  /** Path of the final model's bundle. */
  readonly model: string
  /** Of every slot, where they were asked for. */
  readonly personalModels?: readonly PersonalModelFile[]
}

export interface RunFiles {
  readonly record: RunRecord
  /** Encoded bundle of the final model. */
  readonly model: Uint8Array
  /** Encoded bundle that the run started from; null: seeded params. */
  readonly start: Uint8Array | null
}

/** What a run starts from lies beside its record, so that the two are enough for a replay. */
export const START_FILE = 'start.bundle'

/** Writes `<runId>/record.json`, `<runId>/model.bundle` and, where there is one, `<runId>/start.bundle`. */
export async function writeRunFiles(
  directory: string,
  { record, model, start }: RunFiles,
): Promise<SimulatedRun> {
  const folder = join(directory, record.runId)
  try {
    await mkdir(folder, { recursive: true })
    const path = join(folder, 'model.bundle')
    await writeWhole(path, model)
    if (start !== null) await writeWhole(join(folder, START_FILE), start)
    await writeWhole(join(folder, 'record.json'), `${JSON.stringify(record, null, 2)}\n`)
    return { record, model: path }
  } catch (cause) {
    throw new FederationError('store/io', `Could not write the run's files to ${folder}`, { cause })
  }
}

/** Readers see the old file or the new one, never half of one. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}
