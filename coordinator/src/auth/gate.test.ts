import { beforeEach, describe, expect, it } from 'vitest'
import type { Role } from '#protocol/roles.js'
import type { UserRow } from '#coordinator/store/store.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { madeUpNode } from '#testing/synthetic-identity.js'
import { createAuth, type Auth } from './auth.js'
import { keyIdOf } from './enrolment.js'
import { OPERATOR_GRANT } from './operator.js'
import { assertMay, FRESH_SECONDS, PERMISSIONS } from './permissions.js'
import { Presence } from './presence.js'
import { renewAccess, startSession } from './session.js'
import type { Claims } from './tokens.js'

const SECRET = Buffer.alloc(32, 1)
const NOW = '2026-01-01T00:00:00.000Z'
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
const refused = withCode('auth/bad-token')

describe('the gate', () => {
  let store: MemoryStore
  let clock: FakeClock
  let auth: Auth
  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    auth = await createAuth({ secret: SECRET, store, clock })
  })
  const person = async (name: string, role: Role = 'viewer'): Promise<UserRow> => {
    await auth.people.add({ name, role }, NOW)
    return (await store.user(name))!
  }
  const admitted = (token: string) => auth.gate.admit(token, 'people')

  it('lets in whom the store knows as the token says', async () => {
    const { access, session } = startSession(auth, await person('ada', 'researcher'))
    expect(await admitted(access.token)).toMatchObject({ subject: 'ada', role: 'researcher' })
    const again = renewAccess(auth, await auth.gate.admit(session.token, 'session'))
    expect(await admitted(again.token)).toMatchObject({ subject: 'ada', role: 'researcher' })
    await expect(admitted(session.token)).rejects.toThrow(refused)
    await expect(auth.gate.admit(access.token, 'session')).rejects.toThrow(refused)
  })

  it.each([
    ['the role has changed', () => auth.people.changeRole('ada', 'administrator')],
    ['they got another code', () => auth.people.giveCode('ada', NOW)],
    ['they were revoked', () => auth.people.revoke('ada', NOW)],
  ])('lets nobody in with what they had before %s', async (_what, change) => {
    const { access, session } = startSession(auth, await person('ada'))
    await change()
    await expect(admitted(access.token)).rejects.toThrow(refused)
    await expect(auth.gate.admit(session.token, 'session')).rejects.toThrow(refused)
  })
  it('believes no role that the store does not confirm', async () => {
    const user = await person('ada')
    const { access } = startSession(auth, { ...user, role: 'administrator' })
    await expect(admitted(access.token)).rejects.toThrow(refused)
    for (const grant of [
      { subject: 'operator', role: 'viewer', version: 'operator' },
      { subject: 'operator', role: 'administrator', version: 'v1' },
      { subject: 'nobody', role: 'viewer', version: 'v1' },
    ] as const)
      await expect(admitted(auth.tokens.issue('people', grant).token)).rejects.toThrow(refused)
    expect(await admitted(auth.tokens.issue('people', OPERATOR_GRANT).token)).toBeDefined()
    // The operator has no session: what reads the data directory needs none.
    const { token } = auth.tokens.issue('session', OPERATOR_GRANT)
    await expect(auth.gate.admit(token, 'session')).rejects.toThrow(refused)
  })

  it('ends one session and not the other, for this process and the next', async () => {
    const user = await person('ada')
    const [first, second] = [startSession(auth, user), startSession(auth, user)]
    const sent: string[] = []
    for (const [name, { access }] of [
      ['first', first],
      ['second', second],
    ] as const)
      await auth.gate.enter(access.token, 'people', () => sent.push(name))
    await auth.gate.endSession(await auth.gate.admit(first.session.token, 'session'))
    expect(sent).toEqual(['first'])
    const next = await createAuth({ secret: SECRET, store, clock })
    for (const { gate } of [auth, next]) {
      await expect(gate.admit(first.access.token, 'people')).rejects.toThrow(refused)
      expect(await gate.admit(second.access.token, 'people')).toBeDefined()
    }
  })

  it('lets a node in with its present key, until it is revoked', async () => {
    const { row, identity } = madeUpNode('a')
    await store.addNode(row)
    const tokenFor = (publicKey: string): string =>
      auth.tokens.issue('fl-client', {
        ...{ subject: identity.nodeId, role: 'node', version: keyIdOf(publicKey) },
      }).token
    const token = tokenFor(row.publicKey)
    expect(await auth.gate.admit(token, 'fl-client')).toMatchObject({ role: 'node' })
    await store.replaceKey(row.nodeId, row.publicKey, 'another')
    await expect(auth.gate.admit(token, 'fl-client')).rejects.toThrow(refused)
    const next = tokenFor('another')
    await auth.gate.admit(next, 'fl-client')
    await store.revokeNode(row.nodeId, NOW)
    await expect(auth.gate.admit(next, 'fl-client')).rejects.toThrow(refused)
  })

  it('lets nobody slip in whose right ends while the store is asked', async () => {
    const { access } = startSession(auth, await person('ada'))
    const ask = store.user.bind(store)
    store.user = async (name) => {
      const row = await ask(name)
      // The answer is on its way; meanwhile the right ends.
      auth.gate.expel('ada')
      return row
    }
    const entering = auth.gate.enter(access.token, 'people', () => undefined)
    await expect(entering).rejects.toThrow(refused)
    expect(auth.presence.size).toBe(0)
  })
})

describe('presence', () => {
  const claims = (change: Partial<Claims> = {}): Claims => ({
    ...{ subject: 'ada', role: 'viewer', version: 'v1', sessionId: 's1', signedInAt: 0 },
    ...{ audience: 'people', expiresAt: 60 },
    ...change,
  })
  it('ends with the token, once, and not for who has left', () => {
    const clock = new FakeClock()
    const presence = new Presence(clock, () => clock.now() / 1000)
    const ended: string[] = []
    const stays = ['a', 'b'].map((name) => presence.enter(claims(), () => ended.push(name)))
    stays[1]!.leave()
    clock.advance(59_000)
    expect([ended, stays[0]!.isOver]).toEqual([[], false])
    clock.advance(1_000)
    expect([ended, stays[0]!.isOver, presence.size]).toEqual([['a'], true, 0])
    presence.end(() => true)
    expect(ended).toEqual(['a'])
    expect(clock.pending).toBe(0)
  })
  it('ends for whom it concerns', () => {
    const presence = new Presence(new FakeClock(), () => 0)
    const ended: string[] = []
    for (const subject of ['ada', 'bob'])
      presence.enter(claims({ subject }), () => ended.push(subject))
    presence.end(({ subject }) => subject === 'bob')
    expect([ended, presence.size]).toEqual([['bob'], 1])
  })
})

describe('permissions', () => {
  const who = (role: Claims['role'], signedInAt = 1000): Claims => ({
    ...{ subject: 'ada', role, version: 'v1', sessionId: 's1', signedInAt, expiresAt: 1e9 },
    audience: role === 'node' ? 'fl-client' : 'people',
  })
  const may = (role: Claims['role'], name: string, now = 1000): string => {
    try {
      assertMay(who(role), name, () => now)
      return 'yes'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  it('go up with the role', () => {
    const ladder = ['viewer', 'researcher', 'administrator'] as const
    for (const [name, { need }] of PERMISSIONS) {
      const allowed = ladder.filter((role) => may(role, name) === 'yes')
      if (need === 'node') expect([allowed, may('node', name)]).toEqual([[], 'yes'])
      else if (ladder.includes(need as 'viewer')) {
        expect(allowed).toEqual(ladder.slice(ladder.indexOf(need as 'viewer')))
        expect(may('node', name)).toBe('auth/forbidden')
      }
    }
  })
  it('to let others in need a sign-in of the last quarter of an hour', () => {
    expect(may('administrator', 'POST /api/users', 1000 + FRESH_SECONDS)).toBe('yes')
    expect(may('administrator', 'POST /api/users', 1001 + FRESH_SECONDS)).toBe('auth/sign-in-again')
    expect(may('administrator', 'GET /api/users', 1001 + FRESH_SECONDS)).toBe('yes')
  })
  it('are nobody’s for what the table does not name', () => {
    expect(may('administrator', 'DELETE /api/runs')).toBe('internal/bug')
    expect(may('administrator', '__proto__')).toBe('internal/bug')
  })
})
