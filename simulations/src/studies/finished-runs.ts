import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { configHash, type RunConfig } from '#protocol/run-config.js'
import { VERSION } from '#protocol/version.js'
import { isBackendName, useBackend } from '#algorithms/tensor/backends.js'
import type { SimulatedRun } from '#simulations/run-files.js'

/** Simulated runs of these configurations that came to their end with this version, the latest of each. */
export type FinishedRuns = ReadonlyMap<Hash, SimulatedRun>

/**
 * Runs of these configurations, from whatever they started: that can be the model of a run which is yet to be found. What does
 * not read as a record (another version's, half a copy) is none. Throws `config/unreadable`.
 */
export async function findFinishedRuns(
  directory: string,
  configs: readonly RunConfig[],
): Promise<FinishedRuns> {
  const wanted = new Set(configs.map(hashButStart))
  const found = new Map<Hash, SimulatedRun>()
  for (const name of await namesIn(directory)) {
    const record = await readRecord(join(directory, name, 'record.json'))
    if (record === null || !isUsable(record) || !wanted.has(hashButStart(record.config))) continue
    const other = found.get(record.configHash)
    if (other !== undefined && other.record.createdAt > record.createdAt) continue
    found.set(record.configHash, { record, model: join(directory, name, 'model.bundle') })
  }
  return found
}

const hashButStart = (config: RunConfig): Hash => configHash({ ...config, startFrom: null })

const isUsable = ({ kind, state, version }: RunRecord): boolean =>
  kind === 'simulated' && state === 'finished' && version === VERSION

/**
 * Whether a run now would have the engine of this record, and so the same bytes. Its configuration names the backend; the
 * library behind that may be another one since. Throws `backend/missing`.
 */
export async function isOfThisEngine({ config, engine }: RunRecord): Promise<boolean> {
  const { backend, threads } = config.compute
  if (!isBackendName(backend)) return false
  return canonicalJson(await useBackend(backend, { threads })) === canonicalJson(engine)
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    throw new FederationError('config/unreadable', `Cannot read ${directory}`, { cause })
  }
}

async function readRecord(path: string): Promise<RunRecord | null> {
  try {
    const record = parseRunRecord(await readFile(path, 'utf8'))
    return record.ok ? record.value : null
  } catch {
    return null
  }
}
