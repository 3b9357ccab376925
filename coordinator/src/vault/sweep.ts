import type { Hash, RunId } from '#protocol/ids.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { readJson, type PersonalMap } from '#coordinator/store/reachable.js'
import type { Head, Store } from '#coordinator/store/store.js'
import type { Vault } from './vault.js'

/**
 * Destroys every compartment that nothing stored refers to, of one run or of all, and what nobody waits for in the rest. Not
 * while a loop of such a run is between two heads.
 */
export async function sweepVault(vault: Vault, store: Store, only?: RunId): Promise<void> {
  const runIds = only === undefined ? (await store.runs()).map(({ runId }) => runId) : [only]
  const needed = new Map<string, Set<Hash> | 'all'>()
  for (const runId of runIds) await addNeeded(needed, store, await store.head(runId))
  for (const name of await vault.names()) {
    if (only !== undefined && !name.startsWith(`${only}-`)) continue
    const kept = needed.get(name)
    if (kept === undefined) await vault.destroy(name)
    else if (kept !== 'all') await vault.prune(name, kept)
  }
}

async function addNeeded(
  needed: Map<string, Set<Hash> | 'all'>,
  { blobs }: Store,
  head: Head | null,
): Promise<void> {
  const opening =
    head === null || head.openingHash === null
      ? null
      : await readJson<Opening>(blobs, head.openingHash)
  const waiting =
    head === null || head.personalHash === null
      ? {}
      : await readJson<PersonalMap>(blobs, head.personalHash)
  if (opening?.compartment !== undefined) needed.set(opening.compartment, 'all')
  const underWay = opening?.cohort.flatMap(({ personal }) => personal ?? []) ?? []
  for (const { hash, compartment } of [...Object.values(waiting), ...underWay]) {
    if (compartment === undefined) continue
    const hashes = needed.get(compartment) ?? new Set<Hash>()
    if (hashes !== 'all') needed.set(compartment, hashes.add(hash))
  }
}
