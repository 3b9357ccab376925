import { asFederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { configHash } from '#protocol/run-config.js'
import { verifyStoreLog } from '#coordinator/audit/verify-log.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import type { FileBlobs } from './file-blobs.js'
import type { OpenedStore } from './open-store.js'
import { partsOfRun, readJson, walkRecords, type RunRoots } from './reachable.js'
import type { Store } from './store.js'
import { readRows } from './verify-rows.js'

export interface Damage {
  /** A file, or a row of a table. */
  readonly where: string
  readonly what: string
}
export interface Verdict {
  readonly rows: number
  readonly blobs: number
  readonly bytes: number
  readonly damages: readonly Damage[]
}

/**
 * Looks at everything that a store holds: each row, the bytes of each blob, that nothing is missing which another thing needs,
 * and the chains of closed rounds and of the audit log. Changes nothing. What lies encrypted in the vault is checked when its
 * key opens it.
 */
export async function verifyStore({ store, files, raw }: OpenedStore): Promise<Verdict> {
  const rows = await readRows(raw)
  const blobs = await readBlobs(files)
  const damages = [...rows.damages, ...blobs.damages]
  for (const roots of rows.runs) {
    const where = `run ${roots.run.runId}`
    for (const what of await faultsOfRun(store, roots, blobs.sound)) damages.push({ where, what })
  }
  const log = await faultOfLog(store)
  if (log !== null) damages.push(log)
  return { rows: rows.count, blobs: blobs.sound.size, bytes: blobs.bytes, damages }
}

interface ReadBlobs {
  readonly sound: ReadonlySet<Hash>
  readonly bytes: number
  readonly damages: readonly Damage[]
}

/** Every file among the blobs, against its name. */
async function readBlobs(files: FileBlobs): Promise<ReadBlobs> {
  const sound = new Set<Hash>()
  const damages: Damage[] = []
  let bytes = 0
  for await (const { path, hash, size } of files.audit()) {
    bytes += size
    if (hash !== null) sound.add(hash)
    else damages.push({ where: path, what: 'does not hold the bytes that its name says' })
  }
  return { sound, bytes, damages }
}

/** What one run needs and does not find, and what in it contradicts itself. */
async function faultsOfRun(
  store: Store,
  roots: RunRoots,
  sound: ReadonlySet<Hash>,
): Promise<readonly string[]> {
  const { run, head } = roots
  const faults: string[] = []
  if (configHash(run.config) !== run.configHash) faults.push('its configuration was changed')
  const isOpen = head.state === 'COLLECTING' || head.state === 'FROZEN'
  if (isOpen !== (head.openingHash !== null)) faults.push('its head contradicts itself')
  const plain = await amongBlobs(store, roots).catch(() => roots)
  for (const [part, hashes] of Object.entries(partsOfRun(store.blobs, plain))) {
    try {
      for await (const hash of hashes())
        if (!sound.has(hash)) faults.push(`${part}: the blob ${hash} is missing or damaged`)
    } catch (cause) {
      faults.push(`${part}: ${asFederationError(cause).message}`)
    }
  }
  // A chain that cannot be read is among the faults already.
  return [...new Set([...faults, ...(await chainFaults(store, roots).catch(() => []))])]
}

/** Without what the vault keeps: updates of a round whose opening names a place there. */
async function amongBlobs(store: Store, roots: RunRoots): Promise<RunRoots> {
  if (roots.head.openingHash === null) return { ...roots, accepted: [] }
  const { compartment } = await readJson<Opening>(store.blobs, roots.head.openingHash)
  return compartment === undefined ? roots : { ...roots, accepted: [] }
}

/** Closed rounds are this run's, ever earlier, and the latest made what the head names. */
async function chainFaults(
  store: Store,
  { run, head }: Pick<RunRoots, 'run' | 'head'>,
): Promise<readonly string[]> {
  const faults: string[] = []
  let later: number | null = null
  for await (const { hash, record } of walkRecords(store.blobs, head.recordHash)) {
    if (record.runId !== run.runId) faults.push(`the record ${hash} is of another run`)
    if (later === null && record.modelHash !== head.modelHash)
      faults.push('its model is not the one that its latest round made')
    if (later !== null && record.round >= later)
      faults.push(`the record ${hash} is out of order: round ${record.round} before ${later}`)
    later = record.round
  }
  if (later !== null && later !== 0) faults.push(`its records begin with round ${later}`)
  return faults
}

async function faultOfLog(store: Store): Promise<Damage | null> {
  try {
    const { fault } = await verifyStoreLog(store)
    return fault === null ? null : { where: `audit log, entry ${fault.index}`, what: fault.reason }
  } catch (cause) {
    return { where: 'audit log', what: asFederationError(cause).message }
  }
}
