import { newNodeId, sha256, type Hash, type RunId } from '#protocol/ids.js'
import type { AcceptedUpdate, RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import type { Head, RunRow, Store } from '#coordinator/store/store.js'

export const engine = { backend: 'cpu', version: '1', threads: 1 }
export const card = { inputShape: [2], classes: ['a', 'b'] }
export const config = { name: 'test', startFrom: null } as RunConfig

export const runRow = (runId: RunId): RunRow => ({
  runId,
  name: 'test',
  kind: 'deployed',
  createdAt: '2026-01-01T00:00:00.000Z',
  engine,
  config,
  configHash: sha256('config'),
})
export const planned = (stateHash: Hash): Head => ({
  epoch: 1,
  round: 1,
  attempt: 1,
  state: 'PLANNED',
  stateHash,
  modelHash: stateHash,
  recordHash: null,
  openingHash: null,
  personalHash: null,
  reason: null,
  failures: 0,
  auditHead: null,
})
export const update = (slot: number, payload: string, blob = sha256(payload)): AcceptedUpdate => ({
  slot,
  updateId: sha256(`${slot}|${payload}`),
  sha256: sha256(payload),
  weight: 3,
  metrics: { loss: 0.5 },
  blob,
})
export const member = (name: string): Omit<RosterEntry, 'slot'> => ({
  nodeId: newNodeId(),
  name,
  card,
  engine,
})
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const json = (value: unknown): Uint8Array => text(JSON.stringify(value))
export const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i))

export async function putOpening(store: Store, runId: RunId): Promise<Hash> {
  const shared = await store.blobs.put(text('shared'))
  const asset = await store.blobs.put(text('asset'))
  const personal = await store.blobs.put(text('personal of the cohort'))
  const opening: Opening = {
    runId,
    round: 1,
    attempt: 1,
    plan: {
      purpose: 'train',
      part: 'method',
      task: {},
      shared: { hash: shared, bytes: 6 },
      assets: [{ name: 'backbone', hash: asset, bytes: 5 }],
      uplink: [],
      audience: 'cohort',
    },
    cohort: [{ slot: 0, lease: '00', personal: { hash: personal, bytes: 22 } }],
    population: 1,
    deadlineSeconds: 1,
    graceSeconds: 1,
  }
  return store.blobs.put(json(opening))
}

export const listed = async (store: Store): Promise<readonly Hash[]> => {
  const hashes: Hash[] = []
  for await (const hash of store.blobs.list(0)) hashes.push(hash)
  return hashes.sort()
}

/** Two closed rounds, an open third with one accepted update, and a personal bundle waiting. Returns what must stay. */
export async function growRun(store: Store, runId: RunId, head: Head): Promise<ReadonlySet<Hash>> {
  const put = (name: string): Promise<Hash> => store.blobs.put(text(name))
  const record = (round: number, previous: Hash | null): Promise<Hash> =>
    store.blobs.put(
      json({
        round,
        previous,
        modelHash: sha256('old state'),
        stateHash: sha256('old state'),
      }),
    )
  const first = await record(1, null)
  const second = await record(2, first)
  const personal = await put('personal waiting')
  const personalHash = await store.blobs.put(json({ 7: { hash: personal, bytes: 16 } }))
  const now: Head = {
    ...head,
    round: 3,
    recordHash: second,
    personalHash,
    stateHash: await put('new state'),
    modelHash: await put('new model'),
  }
  await store.advance(runId, head, now)
  const blob = await put('accepted update')
  await store.accept(runId, now, update(0, 'accepted update'))
  const opened = ['shared', 'asset', 'personal of the cohort'].map((name) => sha256(name))
  return new Set([
    first,
    second,
    personal,
    personalHash,
    now.stateHash,
    now.modelHash,
    blob,
    now.openingHash!,
    ...opened,
  ])
}
