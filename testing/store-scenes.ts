import { newNodeId, newRunId, sha256, type NodeId, type RunId } from '#protocol/ids.js'
import { configHash, type RunConfig } from '#protocol/run-config.js'
import type { RoundRecord } from '#protocol/record.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { planned, putOpening, runRow, json, member, text, update } from './store-fixtures.js'
import { auditRows, person } from './store-people-conformance.js'

export interface Scene {
  readonly finished: RunId
  readonly open: RunId
  readonly nodeId: NodeId
  /** Of the run whose round is open. */
  readonly head: Head
}
const config = { name: 'test', startFrom: null } as RunConfig
const row = (runId: RunId) => ({ ...runRow(runId), config, configHash: configHash(config) })

const record = (runId: RunId, round: number, change: Partial<RoundRecord>): RoundRecord => ({
  ...{ runId, round, attempt: 1, purpose: round === 0 ? 'evaluate' : 'train', part: 'method' },
  ...{ cohort: [0], accepted: [], population: 1, metrics: {}, bytesUp: 0, bytesDown: 0 },
  ...{ durationMs: 1, closedAt: '2026-01-01T00:00:00.000Z', previous: null },
  ...{ modelHash: sha256('state'), stateHash: sha256('state'), ...change },
})

/** A run that is over, and one with an open round and a bundle that waits; two members each, events, and all that people left. */
export async function furnish(store: Store): Promise<Scene> {
  const node = { ...member('a'), nodeId: newNodeId() }
  const { nodeId } = node
  await store.addNode({
    ...{ nodeId, name: 'a', publicKey: sha256('key'), enrolledAt: '2026-01-01T00:00:00.000Z' },
    revokedAt: null,
  })
  await store.addNode({
    ...{ nodeId: newNodeId(), name: 'gone', publicKey: sha256('gone') },
    ...{ enrolledAt: '2026-01-01T00:00:00.000Z', revokedAt: '2026-01-02T00:00:00.000Z' },
  })
  for (const name of ['zoe', 'ada'])
    await store.addUser({ ...person(name), passwordHash: '$argon' })
  for (const entry of auditRows(3)) await store.appendAudit(entry)
  await store.denyToken('token', '2100-01-01T00:00:00.000Z')
  await store.addCode({
    ...{ codeHash: sha256('code'), purpose: 'enrol-node', subject: null, usedAt: null },
    expiresAt: '2100-01-01T00:00:00.000Z',
  })
  const [finished, open] = [newRunId(), newRunId()]
  const done = await grow(store, finished, node)
  await store.advance(finished, done, { ...done, state: 'DONE' })
  const before = await grow(store, open, node)
  const bundle = await store.blobs.put(text('for one member alone'))
  const head: Head = {
    ...{ ...before, state: 'COLLECTING', attempt: 3, failures: 1 },
    openingHash: await putOpening(store, open),
    personalHash: await store.blobs.put(json({ 7: { hash: bundle, bytes: 20 } })),
    auditHead: auditRows(2)[1]!.hash,
  }
  await store.advance(open, before, head)
  await store.accept(open, head, update(0, 'an update', await store.blobs.put(text('an update'))))
  return { finished, open, nodeId, head }
}

/** A run with two closed rounds, a roster of two and two events. */
async function grow(
  store: Store,
  runId: RunId,
  node: Parameters<Store['enlist']>[1],
): Promise<Head> {
  const state = await store.blobs.put(text('state'))
  const model = await store.blobs.put(text(`model of ${runId}`))
  const first = await store.blobs.put(json(record(runId, 0, {})))
  const second = record(runId, 1, { previous: first, modelHash: model, stateHash: state })
  const head: Head = {
    ...{ ...planned(state), round: 2, modelHash: model },
    recordHash: await store.blobs.put(json(second)),
  }
  await store.createRun(row(runId), head)
  await store.enlist(runId, node)
  await store.enlist(runId, member('b'))
  await store.appendEvent(runId, 'run:started', { name: 'test' })
  await store.appendEvent(runId, 'round:closed', { round: 1 })
  return head
}
