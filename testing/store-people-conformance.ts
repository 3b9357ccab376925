import { describe, expect, it } from 'vitest'
import { sha256, type RunId } from '#protocol/ids.js'
import { chained } from '#coordinator/audit/audit-log.js'
import type { AuditRow, Head, Store, UserRow } from '#coordinator/store/store.js'
import { times } from './store-fixtures.js'

export const person = (name: string): UserRow => ({
  name,
  role: 'researcher',
  passwordHash: null,
  tokenVersion: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  revokedAt: null,
})
/** A log of so many entries, each with the hash of the one before. */
export function auditRows(count: number): readonly AuditRow[] {
  const rows: AuditRow[] = []
  for (let i = 1; i <= count; i += 1)
    rows.push(
      chained(rows.at(-1) ?? null, {
        ...{ at: '2026-01-01T00:00:00.000Z', actor: 'user:ada', action: 'node.invite' },
        ...{ phase: 'done', subject: null, data: { number: i } },
      }),
    )
  return rows
}

/** What every store promises about people, tokens, the audit log and what heads carry of it. Part of `describeStore`. */
export function describePeople(
  current: () => { readonly store: Store; readonly runId: RunId; readonly collecting: Head },
): void {
  describe('people', () => {
    it('are found by name, and listed in the order in which they came', async () => {
      const { store } = current()
      for (const name of ['zoe', 'ada', 'mia']) expect(await store.addUser(person(name))).toBe(true)
      expect(await store.user('ada')).toEqual(person('ada'))
      expect(await store.user('nobody')).toBeNull()
      expect((await store.users()).map(({ name }) => name)).toEqual(['zoe', 'ada', 'mia'])
    })
    it('keep their name to themselves among 20 who race for it, and after they are revoked', async () => {
      const { store } = current()
      const roles = times(20, (i) => (i % 2 === 0 ? 'viewer' : 'administrator') as UserRow['role'])
      const added = await Promise.all(
        roles.map((role) => store.addUser({ ...person('ada'), role })),
      )
      expect(added.filter(Boolean)).toHaveLength(1)
      const ada = (await store.user('ada'))!
      expect(ada.role).toBe(roles[added.indexOf(true)])
      expect(await store.replaceUser(ada, { ...ada, revokedAt: 'now' })).toBe(true)
      expect(await store.addUser(person('ada'))).toBe(false)
      expect(await store.users()).toEqual([{ ...ada, revokedAt: 'now' }])
    })
    it('are replaced by a caller who read the current row, and by nobody else', async () => {
      const { store } = current()
      const ada = person('ada')
      await store.addUser(ada)
      const swaps = await Promise.all(
        times(20, (i) => store.replaceUser(ada, { ...ada, passwordHash: `racer ${i}` })),
      )
      expect(swaps.filter(Boolean)).toHaveLength(1)
      expect((await store.user('ada'))?.passwordHash).toBe(`racer ${swaps.indexOf(true)}`)
      expect(await store.replaceUser(person('nobody'), person('nobody'))).toBe(false)
      expect(await store.user('nobody')).toBeNull()
    })
  })

  describe('tokens that ended early', () => {
    it('are listed until they would have ended by themselves, and then forgotten', async () => {
      const { store } = current()
      await store.denyToken('one', '2026-01-01T00:10:00.000Z')
      await store.denyToken('one', '2026-01-01T00:10:00.000Z')
      await store.denyToken('two', '2026-01-01T00:20:00.000Z')
      const at = async (minute: string): Promise<readonly string[]> =>
        [...(await store.deniedTokens(`2026-01-01T00:${minute}:00.000Z`))].sort()
      expect(await at('09')).toEqual(['one', 'two'])
      expect(await at('10')).toEqual(['two'])
      expect(await at('20')).toEqual([])
    })
  })

  describe('the audit log', () => {
    it('takes the entry with the next number, and no other', async () => {
      const { store } = current()
      const [first, second, third] = auditRows(3)
      expect(await store.lastAudit()).toBeNull()
      expect(await store.appendAudit(second!)).toBe(false)
      expect(await store.appendAudit(first!)).toBe(true)
      expect(await store.appendAudit(first!)).toBe(false)
      expect(await store.appendAudit(third!)).toBe(false)
      expect(await store.appendAudit(second!)).toBe(true)
      expect(await store.lastAudit()).toEqual(second)
      expect(await store.audits(0, 10)).toEqual([first, second])
    })
    it('has one winner among 20 who race for a number', async () => {
      const { store } = current()
      const rivals = times(20, (i) =>
        chained(null, {
          ...{ at: '2026-01-01T00:00:00.000Z', actor: `user:${i}`, action: 'run.start' },
          ...{ phase: 'intent', subject: null, data: {} },
        }),
      )
      const outcomes = await Promise.all(rivals.map((row) => store.appendAudit(row)))
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      expect(await store.audits(0, 10)).toEqual([rivals[outcomes.indexOf(true)]])
    })
    it('is read onwards from a number, so many at a time', async () => {
      const { store } = current()
      const rows = auditRows(12)
      for (const row of rows) await store.appendAudit(row)
      expect(await store.audits(9, 2)).toEqual([rows[9], rows[10]])
      expect(await store.audits(12, 5)).toEqual([])
      expect(await store.lastAudit()).toEqual(rows[11])
    })
  })

  describe('a head', () => {
    it('carries how often its round failed and the latest entry of the log, and is compared by both', async () => {
      const { store, runId, collecting } = current()
      const next: Head = { ...collecting, failures: 2, auditHead: sha256('entry') }
      expect(await store.advance(runId, collecting, next)).toBe(true)
      expect(await store.head(runId)).toEqual(next)
      const stopped: Head = { ...next, state: 'STOPPED', reason: 'enough' }
      expect(await store.advance(runId, { ...next, failures: 1 }, stopped)).toBe(false)
      expect(await store.advance(runId, { ...next, auditHead: null }, stopped)).toBe(false)
      expect(await store.advance(runId, next, stopped)).toBe(true)
    })
  })
}
