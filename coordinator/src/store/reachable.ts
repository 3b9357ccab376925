import type { BlobRef } from '#protocol/blob-ref.js'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { Hash, Slot } from '#protocol/ids.js'
import type { AcceptedUpdate, RoundRecord } from '#protocol/record.js'
import type { GateRecord } from '#coordinator/audit-gate/gate-record.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import type { BlobStore, Head, RunRow } from './store.js'

/** A bundle for one slot alone. `compartment`: where in the vault it lies; absent: among the blobs. */
export interface PersonalRef extends BlobRef {
  readonly compartment?: string
}
/** A personal map: slot → bundle awaiting delivery. */
export type PersonalMap = Readonly<Record<Slot, PersonalRef>>

/** What is reachable from one run. */
export interface RunRoots {
  readonly run: RunRow
  readonly head: Head
  /** Of the head's open round; empty when it has none. */
  readonly accepted: readonly AcceptedUpdate[]
}

/** The JSON value of a blob that must be there. */
export async function readJson<T>(blobs: BlobStore, hash: Hash): Promise<T> {
  const bytes = await blobs.get(hash)
  if (bytes === null)
    throw new FederationError('store/corrupt', `The blob ${hash} is missing`, { details: { hash } })
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as T
}

/** The closed rounds of a run with the hashes of their blobs, latest first. */
export async function* walkRecords(
  blobs: BlobStore,
  latest: Hash | null,
): AsyncIterable<{ readonly hash: Hash; readonly record: RoundRecord }> {
  for (let hash = latest; hash !== null;) {
    const record: RoundRecord = await readJson<RoundRecord>(blobs, hash)
    yield { hash, record }
    hash = record.previous
  }
}

async function* blobsOfOpening(blobs: BlobStore, hash: Hash): AsyncIterable<Hash> {
  yield hash
  const { plan, cohort } = await readJson<Opening>(blobs, hash)
  yield plan.shared.hash
  for (const asset of plan.assets) yield asset.hash
  for (const { personal } of cohort) if (personal !== null) yield personal.hash
}

async function* blobsOfGate(blobs: BlobStore, hash: Hash): AsyncIterable<Hash> {
  yield hash
  const { cells, decision } = await readJson<GateRecord>(blobs, hash)
  yield* Object.values(cells)
  if (decision !== null) yield decision.reportHash
}

/** Everything that a run needs, part by part: what is unreadable in one does not hide the others. */
export const partsOfRun = (
  blobs: BlobStore,
  { run, head, accepted }: RunRoots,
): Readonly<Record<string, () => AsyncIterable<Hash>>> => ({
  head: async function* () {
    yield head.stateHash
    yield head.modelHash
    if (run.config.startFrom !== null) yield run.config.startFrom as Hash
  },
  // Records stay, the states and models they name do not: only the head's can be continued from.
  records: async function* () {
    for await (const { hash } of walkRecords(blobs, head.recordHash)) yield hash
  },
  gate: async function* () {
    if (head.gateHash !== undefined) yield* blobsOfGate(blobs, head.gateHash)
  },
  opening: async function* () {
    if (head.openingHash !== null) yield* blobsOfOpening(blobs, head.openingHash)
  },
  personal: async function* () {
    if (head.personalHash === null) return
    yield head.personalHash
    for (const { hash } of Object.values(await readJson<PersonalMap>(blobs, head.personalHash)))
      yield hash
  },
  accepted: async function* () {
    for (const { blob } of accepted) yield await Promise.resolve(blob)
  },
})

export async function* reachableFrom(blobs: BlobStore, roots: RunRoots): AsyncIterable<Hash> {
  for (const part of Object.values(partsOfRun(blobs, roots))) yield* part()
}

/** Deletes every blob, put at least `graceMs` ago, that no run reaches. */
export async function deleteUnreachable(
  blobs: BlobStore,
  graceMs: number,
  roots: () => Promise<readonly RunRoots[]>,
): Promise<number> {
  // Candidates first: what is put after this line is not among them, whatever the roots below still miss.
  const candidates = new Set<Hash>()
  for await (const hash of blobs.list(graceMs)) candidates.add(hash)
  for (const run of await roots()) {
    for await (const hash of reachableFrom(blobs, run)) candidates.delete(hash)
  }
  // A second look: a candidate that was put again meanwhile is young now.
  let deleted = 0
  for await (const hash of blobs.list(graceMs)) {
    if (!candidates.has(hash)) continue
    await blobs.delete(hash)
    deleted += 1
    faultPoint('gc.mid')
  }
  return deleted
}
