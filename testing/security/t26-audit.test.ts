import Database from 'libsql'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entriesOf, verifyLog, verifyStoreLog } from '#coordinator/audit/verify-log.js'
import type { AuditRow } from '#coordinator/store/store.js'
import { openStore } from '#coordinator/store/open-store.js'
import { post } from '#testing/socket-node.js'
import { World } from './world.js'

describe('SEC-T26: the audit log', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open()
    const node = await world.join('a')
    const runId = await world.run({ rounds: 1 })
    const task = await node.task(1)
    await post(`${world.url}/api/sign-in`, { code: 'AAAA-BBBB-CCCC' })
    await node.upload({ task, bytes: Buffer.from('one update') })
    await world.coordinator.runs.ended(runId)
    const { nodeId } = await world.enrol('b')
    await world.call(['POST', `/api/nodes/${nodeId}/revoke`], { body: '{}' })
  })
  afterAll(() => world.close())

  it('SEC-T26: holds intent and outcome of every act, by whom, without secrets', async () => {
    const rows: AuditRow[] = []
    for await (const row of entriesOf(world.store)) rows.push(row as AuditRow)
    const acts = rows.map(({ phase, actor, action }) => `${phase} ${actor} ${action}`)
    for (const act of [
      'done coordinator coordinator.start',
      'intent operator node.invite',
      'done operator node.invite',
      'intent anyone node.enrol',
      'done anyone node.enrol',
      'done operator run.start',
      'failed anyone user.sign-in',
      'done operator node.revoke',
    ])
      expect(acts).toContain(act)
    expect(JSON.stringify(rows)).not.toContain('AAAA-BBBB')
    expect(await verifyStoreLog(world.store)).toMatchObject({ fault: null, unfinished: [] })
  })

  it('SEC-T26: deleting, altering, moving or cutting off any entry is found, at its index', async () => {
    await world.coordinator.stop()
    const before = await openStore(world.dataDir)
    const rows = [...(await before.audits(0, 1000))]
    const heads = await Promise.all(
      (await before.runs()).map(async ({ runId }) => (await before.head(runId))!.auditHead!),
    )
    await before.close()
    const tied = rows.findIndex(({ hash }) => heads.includes(hash)) + 1
    expect(tied).toBeGreaterThan(3)
    const tampered = async (sql: string): Promise<number | null> => {
      const database = new Database(join(world.dataDir, 'tributary.db'))
      database.exec(sql)
      database.close()
      const store = await openStore(world.dataDir)
      const { fault } = await verifyStoreLog(store)
      await store.close()
      return fault?.index ?? null
    }
    expect(await tampered('SELECT 1')).toBeNull()
    // What is cut off behind the last head is known to whoever kept the head that `log verify` printed.
    const kept = { hash: rows.at(-1)!.hash, knownBy: '--head' }
    async function* short(): AsyncGenerator<AuditRow> {
      yield* rows.slice(0, -1)
    }
    expect((await verifyLog(short(), [kept])).fault?.index).toBe(rows.length)
    expect(await tampered(`DELETE FROM audit WHERE seq >= ${tied}`)).toBe(tied)
    expect(await tampered('UPDATE audit SET seq = -seq WHERE seq IN (2, 3)')).toBe(2)
    expect(await tampered(`UPDATE audit SET body = replace(body, 'coordinator', 'eve')`)).toBe(1)
    await world.start()
  })
})
