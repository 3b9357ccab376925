import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, hasTensor } from '#protocol/bundle.js'
import { sha256, type Hash, type RunId } from '#protocol/ids.js'
import { parseRunRecord } from '#protocol/record.js'
import { configHash } from '#protocol/run-config.js'
import { isPublicKey } from '#protocol/proof.js'
import { unwrap } from '#protocol/result.js'
import { openNodeState, type NodeState } from '#client/state/node-state.js'
import { redeemCode } from '#coordinator/auth/codes.js'
import { openingOf, roundsOf, runRecordOf } from '#coordinator/run-record.js'
import { SCHEMA_VERSION } from '#coordinator/store/migrations.js'
import { openSqlite, type Sqlite } from '#coordinator/store/sqlite.js'
import { openInspected, openStore } from '#coordinator/store/open-store.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { verifyStore } from '#coordinator/store/verify.js'
import { Vault } from '#coordinator/vault/vault.js'
import { verifyStoreLog } from '#coordinator/audit/verify-log.js'
import { finishRun, FIXTURES, THROW_AWAY_SECRET, type ExpectedFixture } from './data-fixture.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
const versionIn = (database: Sqlite): number =>
  Number(database.get('SELECT version FROM schema')?.['version'])
const NOW = '2026-01-03T00:00:00.000Z'

/** Updates of open rounds lie among the blobs in version 1, and encrypted in the vault since. */
async function bytesOf(
  store: Store,
  head: Head,
  blob: Hash,
  root: string,
): Promise<Uint8Array | null> {
  const { compartment } = await openingOf(store, head)
  if (compartment === undefined) return store.blobs.get(blob)
  expect(await store.blobs.get(blob)).toBeNull()
  const vault = await Vault.open({
    dataDirectory: join(root, 'coordinator'),
    masterKeyFile: join(root, 'master-key'),
  })
  return (await vault.blobs(compartment))!.get(blob)
}

/** Every version's directory, as long as this program takes its data up. */
describe.each(['data-v1', 'data-v2'])('the data directory %s', (name) => {
  let root: string
  let expected: ExpectedFixture
  let store: Store | null = null
  const states: NodeState[] = []
  const database = (): string => join(root, 'coordinator/tributary.db')
  const open = async (): Promise<Store> => (store = await openStore(join(root, 'coordinator')))
  const openNode = async (member: string): Promise<NodeState> => {
    const state = await openNodeState(join(root, `node-${member}`))
    states.push(state)
    return state
  }

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-fixture-'))
    await cp(join(FIXTURES, name), root, { recursive: true })
    const text = await readFile(join(root, 'expected.json'), 'utf8')
    expected = JSON.parse(text) as ExpectedFixture
  })
  afterEach(async () => {
    for (const state of states.splice(0)) await state.release()
    await store?.close()
    store = null
    await rm(root, { recursive: true })
  })

  it('is brought to the version of this program, with nothing beside the file that could be missed', async () => {
    const before = openSqlite(database())
    expect(versionIn(before)).toBe(expected.schemaVersion)
    before.close()
    await (await open()).close()
    store = null
    const after = openSqlite(database())
    expect(versionIn(after)).toBe(SCHEMA_VERSION)
    after.close()
  })

  it('holds both runs, whole', async () => {
    const opened = await open()
    const { blobs } = opened
    const { finished, interrupted } = expected
    const rows = await opened.runs()
    expect(rows.map(({ runId }) => runId)).toEqual([finished.runId, interrupted.runId])
    for (const row of rows) {
      expect(row).toMatchObject({ kind: 'deployed', engine: { backend: 'cpu', threads: 1 } })
      expect(configHash(row.config)).toBe(row.configHash)
      const record = await runRecordOf(opened, row.runId, null)
      // The schema of exported records says the same of it.
      expect(unwrap(parseRunRecord(JSON.stringify(record)))).toEqual(record)
      expect(record.roster.map(({ slot, name: member, nodeId }) => [slot, member, nodeId])).toEqual(
        [
          [0, 'a', expected.nodes[0]],
          [1, 'b', expected.nodes[1]],
        ],
      )
      const model = await blobs.get(record.modelHash!)
      expect(hasTensor(unwrap(decodeBundle(model!)), 'head/kernel')).toBe(true)
    }
    // Reading a blob compares its bytes with its name.
    let count = 0
    for await (const hash of blobs.list(0)) {
      expect(await blobs.get(hash)).not.toBeNull()
      count += 1
    }
    expect(count).toBeGreaterThan(20)
  })

  it('chains the records of closed rounds back to the initial evaluation', async () => {
    const opened = await open()
    const chain = async (runId: RunId) => roundsOf(opened, (await opened.head(runId))!)
    const over = await chain(expected.finished.runId)
    // Two rounds of training, then the evaluation of what they gave.
    expect(over.map(({ round, purpose }) => [round, purpose])).toEqual([
      [0, 'evaluate'],
      [1, 'train'],
      [2, 'train'],
      [3, 'evaluate'],
    ])
    expect(over[0]?.previous).toBeNull()
    for (const [i, record] of over.slice(1).entries()) {
      const previous = await opened.blobs.get(record.previous!)
      expect(JSON.parse(Buffer.from(previous!).toString())).toEqual(over[i])
      expect(record.accepted.map(({ slot }) => slot)).toEqual([0, 1])
    }
    expect(over[3]?.modelHash).toBe(expected.finished.modelHash)
    expect((await opened.head(expected.finished.runId))!).toMatchObject({
      state: 'DONE',
      recordHash: expected.finished.recordHash,
      modelHash: expected.finished.modelHash,
    })
    const begun = await chain(expected.interrupted.runId)
    expect(begun.map(({ round }) => round)).toEqual([0, 1])
  })

  it('holds the open round with the update that was accepted', async () => {
    const opened = await open()
    const { runId, round, modelHash, recordHash, accepted } = expected.interrupted
    const head = (await opened.head(runId))!
    expect(head).toMatchObject({ state: 'COLLECTING', round, attempt: 1, modelHash, recordHash })
    expect(head.openingHash).not.toBeNull()
    const updates = await opened.accepted(runId, round, 1)
    expect(updates.map((update) => update.sha256)).toEqual(accepted)
    expect(updates[0]).toMatchObject({ slot: 0, blob: accepted[0] })
    const bytes = await bytesOf(opened, head, updates[0]!.blob, root)
    expect(hasTensor(unwrap(decodeBundle(bytes!)), 'variate/head/kernel')).toBe(true)
  })

  it('holds the events of runs, without gaps', async () => {
    const opened = await open()
    const { runId, events } = expected.finished
    const rows = await opened.events(runId, 0, 1000)
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: events }, (_, i) => i + 1))
    expect([rows[0]?.type, rows.at(-1)?.type]).toEqual(['run:started', 'run:finished'])
    const closed = rows.filter(({ type }) => type === 'round:closed')
    const { rounds } = await runRecordOf(opened, runId, null)
    expect(closed.map(({ data }) => data['record'])).toEqual(rounds)
  })

  it('knows its nodes, and a code that nobody has used', async () => {
    const opened = await open()
    const nodes = await opened.nodes()
    expect(nodes.map(({ nodeId }) => nodeId)).toEqual(expected.nodes)
    expect(nodes.map(({ revokedAt }) => revokedAt === null)).toEqual([true, true, false])
    // Nodes of version 1 had secrets: each exchanges its own for a key, once.
    for (const { nodeId, publicKey } of nodes) {
      if (expected.schemaVersion === 1)
        expect([nodeId, publicKey]).toEqual([nodeId, `sha256:${sha256(THROW_AWAY_SECRET)}`])
      else expect(isPublicKey(publicKey)).toBe(true)
    }
    const code = { code: expected.code, now: NOW }
    await redeemCode(opened, 'enrol-node', code)
    await expect(redeemCode(opened, 'enrol-node', code)).rejects.toThrow(withCode('auth/bad-code'))
  })

  it('knows its people, ended tokens and audit log, or begins without', async () => {
    const opened = await open()
    expect(await opened.users()).toEqual(expected.people ?? [])
    expect(await opened.deniedTokens(NOW)).toEqual(expected.deniedTokens ?? [])
    expect(await opened.lastAudit()).toEqual(expected.audit ?? null)
    expect((await verifyStoreLog(opened)).fault).toBeNull()
    const heads = await Promise.all((await opened.runs()).map(({ runId }) => opened.head(runId)))
    const last = expected.audit?.hash ?? null
    expect(heads.map((head) => [head?.failures, head?.auditHead])).toEqual([
      [0, last],
      [0, last],
    ])
  })

  it('is found sound by whoever checks it', async () => {
    const opened = await openInspected(join(root, 'coordinator'))
    expect((await verifyStore(opened)).damages).toEqual([])
    await opened.store.close()
  })

  it('holds nodes with a memory and an update whose fate is open', async () => {
    const { runId, round, accepted } = expected.interrupted
    for (const [slot, member] of ['a', 'b'].entries()) {
      const state = await openNode(member)
      expect(await state.credentials()).toMatchObject({ nodeId: expected.nodes[slot] })
      const [memory, pending] = [await state.memory(runId), await state.pending(runId)]
      expect(hasTensor(memory!, 'head/kernel')).toBe(true)
      expect(pending).not.toEqual(memory)
      const tasks = await state.openTasks()
      expect(tasks).toMatchObject([{ runId, round, slot, hasPending: true }])
      const update = sha256((await state.outgoing(runId))!)
      expect(update).toBe(tasks[0]?.updateSha256)
      expect(accepted.includes(update)).toBe(member === 'a')
      expect(await state.memory(expected.finished.runId)).toBeNull()
      const fates = (await state.entries()).map((entry) => [entry.runId, entry.round, entry.fate])
      const bothOf = (id: RunId, of: number) => [
        [id, of, 'sent'],
        [id, of, 'accepted'],
      ]
      expect(fates).toEqual([
        ...[1, 2, 3].flatMap((of) => bothOf(expected.finished.runId, of)),
        ...bothOf(runId, 1),
        // Written before the first byte leaves.
        [runId, round, 'sent'],
      ])
    }
  })

  it('lets the interrupted run end where it would have ended', async () => {
    const { runId, round, accepted, finalModelHash } = expected.interrupted
    const record = await finishRun(root, runId)
    expect(record).toMatchObject({ state: 'finished', reason: null, modelHash: finalModelHash })
    expect(record.rounds.map((closed) => [closed.round, closed.attempt])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
      // The evaluation after the last round.
      [4, 1],
    ])
    expect(record.rounds[2]?.accepted[0]?.sha256).toBe(accepted[0])
    for (const member of ['a', 'b']) {
      const state = await openNode(member)
      // The answer about the last round may not have come before the nodes left.
      const tasks = await state.openTasks()
      expect(tasks.filter((task) => task.round <= round + 1)).toEqual([])
    }
  })

  it('is left alone when a newer program wrote it', async () => {
    const newer = openSqlite(database())
    newer.run('UPDATE schema SET version = ?', SCHEMA_VERSION + 1)
    newer.close()
    await expect(openStore(join(root, 'coordinator'))).rejects.toThrow(
      withCode('store/newer-version'),
    )
    const after = openSqlite(database())
    expect(versionIn(after)).toBe(SCHEMA_VERSION + 1)
    after.close()
  })
})
