import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash, type RunId } from '#protocol/ids.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { AuditRow, RunRow, Store } from '#coordinator/store/store.js'
import { head } from '#testing/fleet-world.js'
import { AuditLog, chained, withAuditHeads } from './audit-log.js'
import { entriesOf, verifyLog, verifyStoreLog } from './verify-log.js'

const AT = '2026-03-01T12:00:00.000Z'
const open = (store: Store): Promise<AuditLog> => AuditLog.open(store, () => AT)
const act = (subject: string) => ({ actor: 'user:ana', action: 'node.revoke', subject })
const rowsOf = (store: Store): Promise<readonly AuditRow[]> => store.audits(0, 100)
async function* all(rows: readonly unknown[]): AsyncGenerator<unknown> {
  yield* rows
}

describe('the audit log', () => {
  let store: MemoryStore
  let log: AuditLog
  beforeEach(async () => {
    store = new MemoryStore()
    log = await open(store)
  })

  it('writes what was to be done before it is done, and what came of it after', async () => {
    const seen: number[] = []
    const result = await log.around(
      { ...act('node-1'), data: { minutes: 5 } },
      async () => {
        seen.push((await rowsOf(store)).length)
        return 'node-2'
      },
      (made) => ({ subject: made, data: { more: true } }),
    )
    expect([result, seen]).toEqual(['node-2', [1]])
    const rows = await rowsOf(store)
    expect(rows.map(({ phase, subject, data }) => ({ phase, subject, data }))).toEqual([
      { phase: 'intent', subject: 'node-1', data: { minutes: 5 } },
      { phase: 'done', subject: 'node-2', data: { minutes: 5, more: true, intent: 1 } },
    ])
  })
  it('tells a failure by its code, and throws it on', async () => {
    const work = () => Promise.reject(new FederationError('auth/bad-code', 'a secret word'))
    await expect(log.around(act('node-1'), work)).rejects.toThrow('a secret word')
    const [, row] = await rowsOf(store)
    expect(row).toMatchObject({ phase: 'failed', data: { intent: 1, code: 'auth/bad-code' } })
    expect(JSON.stringify(row)).not.toContain('secret word')
  })
  it('lets nothing happen whose intent cannot be written', async () => {
    const broken = { lastAudit: async () => null, appendAudit: async () => false }
    const refusing = await AuditLog.open(broken, () => AT)
    let isDone = false
    const work = async (): Promise<void> => void (isDone = true)
    await expect(refusing.around(act('node-1'), work)).rejects.toThrow(
      expect.objectContaining({ code: 'store/locked' }),
    )
    expect(isDone).toBe(false)
  })
  it('numbers entries that are written at the same time, and goes on where it ended', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.write('done', act(`node-${i}`))))
    const again = await open(store)
    await again.write('done', act('last'))
    // This one does not know of it yet.
    await log.write('done', act('very last'))
    expect(await verifyStoreLog(store)).toMatchObject({ entries: 22, fault: null })
    expect(log.head).toBe((await store.lastAudit())?.hash)
  })
  it('keeps no text longer than anyone needs', async () => {
    const row = await log.write('done', {
      ...act('x'.repeat(999)),
      data: { name: 'y'.repeat(999) },
    })
    expect([row.subject?.length, (row.data['name'] as string).length]).toEqual([200, 200])
  })
  it('ties the heads of runs to its latest entry', async () => {
    const tied = withAuditHeads(store, log)
    await log.write('done', act('a'))
    const runId = 'run-0123456789ab' as RunId
    await tied.createRun({ runId } as RunRow, head({}))
    const first = (await tied.head(runId))!
    await log.write('done', act('b'))
    expect(await tied.advance(runId, first, { ...first, round: 2 })).toBe(true)
    expect([first.auditHead, (await tied.head(runId))?.auditHead]).toEqual(
      (await rowsOf(store)).map(({ hash }) => hash),
    )
    expect(tied.blobs).toBe(store.blobs)
  })
  it('lists what was begun and never ended', async () => {
    await log.write('intent', act('a'))
    await log.around(act('b'), async () => undefined)
    expect(await verifyStoreLog(store)).toMatchObject({ unfinished: [1], fault: null })
  })
})

describe('an audit log that was tampered with', () => {
  let rows: AuditRow[]
  beforeEach(async () => {
    const store = new MemoryStore()
    const log = await open(store)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await log.write('done', act(name))
    rows = [...(await rowsOf(store))]
  })
  const faultOf = async (changed: readonly unknown[], known: readonly Hash[] = []) =>
    (
      await verifyLog(
        all(changed),
        known.map((hash) => ({ hash, knownBy: 'run r' })),
      )
    ).fault

  it('is sound before', async () => {
    const known = rows.map(({ hash }) => hash)
    expect(await verifyLog(all(rows), [{ hash: known[2]!, knownBy: 'run r' }])).toEqual({
      ...{ entries: 5, head: known[4], unfinished: [], fault: null },
    })
    expect(await faultOf([])).toBeNull()
  })
  it.each([1, 2, 3, 4, 5])('names entry %s when it was deleted', async (index) => {
    const known = rows.map(({ hash }) => hash)
    const fault = await faultOf(
      rows.filter(({ seq }) => seq !== index),
      known,
    )
    expect(fault?.index).toBe(index)
  })
  it.each([
    ['at', { at: '2026-03-02T12:00:00.000Z' }],
    ['actor', { actor: 'user:eve' }],
    ['action', { action: 'node.invite' }],
    ['phase', { phase: 'failed' }],
    ['subject', { subject: null }],
    ['data', { data: { more: 1 } }],
    ['seq', { seq: 9 }],
    ['previous', { previous: sha256('') }],
    ['hash', { hash: sha256('') }],
    ['key that is none', { other: 1 }],
  ])('names the entry whose %s was altered', async (_what, change) => {
    for (const index of [1, 3, 5]) {
      const changed = rows.map((row) => (row.seq === index ? { ...row, ...change } : row))
      expect((await faultOf(changed))?.index).toBe(index)
    }
  })
  it('names the entry that was altered with its own hash made anew, by the next', async () => {
    const forged = chained(rows[1]!, { ...rows[2]!, actor: 'user:eve' })
    expect((await faultOf(rows.with(2, forged)))?.index).toBe(4)
  })
  it('names the first of two that changed places, and one that was put in', async () => {
    expect((await faultOf([rows[0], rows[2], rows[1], rows[3], rows[4]]))?.index).toBe(2)
    expect((await faultOf([rows[0], rows[1], rows[1], rows[2]]))?.index).toBe(3)
  })
  it('is found to be cut off by who knows a later entry, even when made anew from there', async () => {
    const known = [rows[3]!.hash]
    expect(await faultOf(rows.slice(0, 3), known)).toMatchObject({ index: 4 })
    const forged = [...rows.slice(0, 2)]
    for (const row of rows.slice(2)) forged.push(chained(forged.at(-1)!, { ...row, actor: 'eve' }))
    expect((await faultOf(forged, known))?.reason).toContain('run r')
  })
})

describe('an audit log on disk', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-audit-'))
    const store = await openStore(directory)
    const log = await open(store)
    for (let i = 0; i < 600; i += 1) await log.write('done', act(`node-${i}`))
    await store.close()
  })
  afterEach(() => rm(directory, { recursive: true }))
  const tamper = (sql: string): void => {
    const database = new Database(join(directory, 'tributary.db'))
    database.exec(sql)
    database.close()
  }
  const verdict = async () => {
    const store = await openStore(directory)
    try {
      return await verifyStoreLog(store)
    } finally {
      await store.close()
    }
  }

  it('is read page by page, and names what was done to it by its index', async () => {
    expect(await verdict()).toMatchObject({ entries: 600, fault: null })
    tamper(`UPDATE audit SET body = json_set(body, '$.actor', 'user:eve') WHERE seq = 555`)
    expect(await verdict()).toMatchObject({ entries: 554, fault: { index: 555 } })
    tamper(`UPDATE audit SET body = '{"seq":0}' WHERE seq = 540`)
    expect((await verdict()).fault).toEqual({ index: 540, reason: 'it cannot be read' })
    tamper(`UPDATE audit SET body = 'no JSON' WHERE seq = 530`)
    expect((await verdict()).fault).toEqual({ index: 530, reason: 'it cannot be read' })
    tamper(`DELETE FROM audit WHERE seq = 7`)
    expect((await verdict()).fault?.index).toBe(7)
  })
  it('throws what is no fault of an entry', async () => {
    const broken = { audits: () => Promise.reject(new FederationError('store/io', 'no disk')) }
    await expect(entriesOf(broken).next()).rejects.toThrow('no disk')
  })
})
