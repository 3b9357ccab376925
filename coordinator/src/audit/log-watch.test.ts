import { beforeEach, describe, expect, it, vi } from 'vitest'
import { newRunId, sha256 } from '#protocol/ids.js'
import { FakeClock } from '#testing/fake-clock.js'
import { planned, runRow, text } from '#testing/store-fixtures.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { AuditLog } from './audit-log.js'
import { LogWatch } from './log-watch.js'

const ACT = { actor: 'user:ada', action: 'node.invite', subject: null }

describe('watching the audit log', () => {
  let store: MemoryStore
  let clock: FakeClock
  let log: AuditLog
  let watch: LogWatch
  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    log = await AuditLog.open(store, () => clock.timestamp())
    watch = new LogWatch({ store, clock })
  })

  it('says that it is as it was written, and reads what is new alone', async () => {
    expect(await watch.look()).toEqual({ entries: 0, head: null, unfinished: [], fault: null })
    for (let i = 0; i < 5; i += 1) await log.write('done', ACT)
    expect(await watch.look()).toMatchObject({ entries: 5, head: log.head, fault: null })
    const reads = vi.spyOn(store, 'audits')
    const intent = await log.write('intent', ACT)
    expect(await watch.look()).toMatchObject({ entries: 6, unfinished: [intent.seq], fault: null })
    expect(reads.mock.calls.map(([after]) => after)).toEqual([5, 6])
  })
  it('finds an entry that follows from none, and does not forget it', async () => {
    await log.write('done', ACT)
    await watch.look()
    const last = await store.lastAudit()
    await store.appendAudit({ ...last!, seq: 2, previous: sha256('another'), hash: sha256('own') })
    expect((await watch.look()).fault).toMatchObject({ index: 2 })
    expect(await watch.look()).toMatchObject({ entries: 1, fault: { index: 2 } })
  })
  it('finds that the end is missing, from what heads of runs know', async () => {
    await log.write('done', ACT)
    const state = await store.blobs.put(text('state'))
    const runId = newRunId()
    await store.createRun(runRow(runId), { ...planned(state), auditHead: log.head })
    expect((await watch.look()).fault).toBeNull()
    const lost = { ...planned(state), auditHead: sha256('of an entry that was cut off') }
    await store.createRun({ ...runRow(newRunId()) }, lost)
    expect((await watch.look()).fault).toMatchObject({ index: 2 })
  })
  it('looks at everything again after an hour: what was checked may have been changed since', async () => {
    for (let i = 0; i < 3; i += 1) await log.write('done', ACT)
    await watch.look()
    const rows = await store.audits(0, 9)
    vi.spyOn(store, 'audits').mockImplementation(async (after, limit) =>
      rows
        .map((row) => (row.seq === 2 ? { ...row, actor: 'user:eve' } : row))
        .slice(after, after + limit),
    )
    expect((await watch.look()).fault).toBeNull()
    clock.advance(3_600_000)
    expect(await watch.look()).toMatchObject({ entries: 1, fault: { index: 2 } })
  })
})
