import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { readCached } from '#simulations/bundle-cache.js'
import { START_FILE } from '#simulations/run-files.js'

/** Simulated runs leave `<runId>/record.json` and `<runId>/model.bundle` here. */
export const RUNS_DIRECTORY = '.tributary/runs'

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR')

async function readRecord(path: string): Promise<RunRecord | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new FederationError('config/unreadable', `Cannot read ${path}`, { cause })
  }
  return unwrap(parseRunRecord(text))
}

/** A record by run id, by the file itself or by the directory that holds it; null if there is none. */
export const findRecord = async (run: string, directory: string): Promise<RunRecord | null> =>
  (await findRun(run, directory))?.record ?? null

export interface LocalRun {
  readonly record: RunRecord
  /** Where its files lie. */
  readonly directory: string
  /** What lies beside the record as the bundle that the run started from; null: nothing. */
  readonly start: Uint8Array | null
}
/** As `findRecord`, with what the run started from. */
export async function findRun(run: string, directory: string): Promise<LocalRun | null> {
  for (const path of [run, join(run, 'record.json'), join(directory, run, 'record.json')]) {
    const record = await readRecord(path)
    if (record === null) continue
    const directory = dirname(path)
    const beside = record.config.startFrom === null ? null : join(directory, START_FILE)
    return { record, directory, start: beside === null ? null : await readCached(beside) }
  }
  return null
}

/** All records of a directory, oldest first. */
export async function listLocalRecords(directory: string): Promise<readonly RunRecord[]> {
  let names: readonly string[]
  try {
    names = await readdir(directory)
  } catch (cause) {
    if (isMissing(cause)) return []
    throw new FederationError('config/unreadable', `Cannot read ${directory}`, { cause })
  }
  const records = await Promise.all(
    names.map((name) => readRecord(join(directory, name, 'record.json'))),
  )
  return records
    .filter((record) => record !== null)
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
}
