import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Role } from '#protocol/roles.js'
import { ISSUER, signingKey } from '#coordinator/auth/jwt.js'
import { PERMISSIONS, permissionOf, type Need } from '#coordinator/auth/permissions.js'
import { nameOf, ROUTES } from '#coordinator/http/routes.js'
import { connectWith } from '#testing/socket-node.js'
import { tokenOf } from '#testing/synthetic-identity.js'
import { sign } from './forgeries.js'
import { addPerson, PASSWORD, signingSecret } from './people.js'
import { World } from './world.js'

const WHO = ['nobody', 'node', 'viewer', 'researcher', 'administrator', 'operator'] as const
type Who = (typeof WHO)[number]
const RANK: Readonly<Record<Role, number>> = { viewer: 0, researcher: 1, administrator: 2 }

/** What the row of the table means for each. Written here once more, so that the table is checked, not repeated. */
function expected(need: Need, who: Who): 'let in' | 401 | 403 {
  if (need === 'anyone' || need === 'guesser' || need === 'monitor') return 'let in'
  if (who === 'nobody') return 401
  if (need === 'node') return who === 'node' ? 'let in' : 401
  if (who === 'node') return 401
  const rank = who === 'operator' ? RANK.administrator : RANK[who]
  return rank >= RANK[need] ? 'let in' : 403
}

describe('SEC-T22: doing what somebody else may', () => {
  let world: World
  const tokens = new Map<Who, string>()
  beforeAll(async () => {
    world = await World.open({ serverLimits: { failuresPerMinute: 100_000 } })
    tokens.set('nobody', '').set('operator', world.people)
    tokens.set('node', await tokenOf(world.url, await world.enrol('a')))
    for (const role of ['viewer', 'researcher', 'administrator'] as const)
      tokens.set(role, (await addPerson(world, `one-${role}`, role)).token)
  })
  afterAll(() => world.close())
  const target = (path: string): string =>
    path
      .replace('/nodes/:id', '/nodes/node-0123456789ab')
      .replace('/users/:id', '/users/nobody-here')
      .replace(':id', 'run-0123456789ab')
      .replace(':hash', 'ab'.repeat(32))

  it.each(ROUTES.flatMap((route) => WHO.map((who) => [nameOf(route), who, route] as const)))(
    'SEC-T22: %s by %s',
    async (name, who, { method, path }) => {
      // What ends the caller's own session is for a session of its own.
      const fresh =
        /sign-out|password/.test(path) && who !== 'node' && who !== 'nobody' && who !== 'operator'
      const token = fresh
        ? (await addPerson(world, `for-${randomUUID().slice(0, 8)}`, who)).token
        : tokens.get(who)!
      if (path === '/api/sign-out' && who === 'operator') return
      const init = method === 'get' ? { token } : { token, body: '{}' }
      const { status, code } = await world.call([method.toUpperCase(), target(path)], init)
      const want = expected(permissionOf(name).need, who)
      if (want === 'let in') expect([status === 403, code]).not.toEqual([true, 'auth/forbidden'])
      if (want === 'let in' && permissionOf(name).need !== 'guesser') expect(status).not.toBe(401)
      if (want !== 'let in') expect([status, code]).toEqual([want, CODES[want]])
    },
  )
  it('SEC-T22: no route, message or namespace is missing in the table, and none is in it that is not there', () => {
    for (const route of ROUTES) expect(PERMISSIONS.has(nameOf(route))).toBe(true)
    const names = new Set(['GET /', ...ROUTES.map(nameOf)])
    const http = [...PERMISSIONS.keys()].filter((name) => !name.startsWith('/'))
    expect(http.filter((name) => !names.has(name))).toEqual([])
    expect(() => permissionOf('GET /api/new')).toThrow()
  })
  it('SEC-T22: people are no nodes, and nodes no people, at the sockets', async () => {
    for (const who of WHO) {
      if (who === 'node') continue
      const socket = connectWith(world.url, tokens.get(who))
      const heard = await new Promise((resolve) => {
        socket.once('connect', () => resolve('in'))
        socket.once('connect_error', () => resolve('refused'))
      })
      socket.disconnect()
      expect([who, heard]).toEqual([who, 'refused'])
    }
  })
  it('SEC-T22: nobody raises themselves: not by a body, not by a header, not by themselves', async () => {
    const person = await addPerson(world, 'eve', 'researcher')
    const { token } = person
    const role = JSON.stringify({ role: 'administrator' })
    expect((await world.call(['POST', '/api/users/eve/role'], { token, body: role })).status).toBe(
      403,
    )
    const newUser = JSON.stringify({ name: 'mallory', role: 'administrator' })
    expect((await world.call(['POST', '/api/users'], { token, body: newUser })).status).toBe(403)
    for (const body of [
      { name: 'eve', password: PASSWORD, role: 'administrator' },
      { name: 'eve', password: PASSWORD, passwordHash: '$argon2id$x' },
      { name: 'eve', password: PASSWORD, tokenVersion: 1 },
    ]) {
      const init = { token: '', body: JSON.stringify(body) }
      expect((await world.call(['POST', '/api/sign-in'], init)).code).toBe('message/malformed')
    }
    const password = { password: PASSWORD, newPassword: 'another long password', passwordHash: 'x' }
    expect(
      (await world.call(['POST', '/api/password'], { token, body: JSON.stringify(password) })).code,
    ).toBe('message/malformed')
    expect(await world.store.user('eve')).toMatchObject({ role: 'researcher' })
  })
  it('SEC-T22: letting others in needs a sign-in of just now', async () => {
    const { tokenVersion } = (await world.store.user('one-administrator'))!
    const iat = Math.floor(Date.now() / 1000)
    const claims = { iss: ISSUER, aud: 'people', sub: 'one-administrator', role: 'administrator' }
    const times = { iat, exp: iat + 600, auth_time: iat - 3600, ver: `v${tokenVersion}` }
    const key = signingKey(await signingSecret(world), 'people')
    const token = sign({ ...claims, ...times, jti: randomUUID(), sid: randomUUID() }, key)
    expect((await world.call(['GET', '/api/users'], { token })).status).toBe(200)
    for (const path of ['/api/users', '/api/users/eve/code', '/api/users/eve/role'])
      expect((await world.call(['POST', path], { token, body: '{}' })).code).toBe(
        'auth/sign-in-again',
      )
  })
})

const CODES = { 401: 'auth/bad-token', 403: 'auth/forbidden' } as const
