import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeId } from '#protocol/ids.js'
import { createAuth } from '#coordinator/auth/auth.js'
import { sessionCookie } from '#coordinator/auth/cookies.js'
import { keyIdOf } from '#coordinator/auth/enrolment.js'
import { ISSUER, signingKey } from '#coordinator/auth/jwt.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { connectWith } from '#testing/socket-node.js'
import type { Identity } from '#testing/synthetic-identity.js'
import { FORGERIES, sign, type Known } from './forgeries.js'
import { World } from './world.js'

type Kind = 'people' | 'session' | 'fl-client'
/** Where a token can be shown. */
const DOORS = ['header of people', 'header of nodes', 'cookie', 'socket'] as const
type Door = (typeof DOORS)[number]
const KINDS: Readonly<Record<Door, Kind>> = {
  'header of people': 'people',
  'header of nodes': 'fl-client',
  cookie: 'session',
  socket: 'fl-client',
}

describe('SEC-T1: tokens that nobody here made', () => {
  let world: World
  let secret: Buffer
  let identity: Identity
  let known: (door: Door) => Known
  beforeAll(async () => {
    world = await World.open()
    secret = Buffer.from(await readFile(join(world.dataDir, 'signing-secret'), 'utf8'), 'hex')
    identity = await world.enrol('a')
    const node = (await world.store.node(identity.nodeId as NodeId))!
    const user = (await world.store.user('administrator'))!
    known = (door) => {
      const kind = KINDS[door]
      const iat = Math.floor(Date.now() / 1000)
      const who =
        kind === 'fl-client'
          ? { sub: node.nodeId, role: 'node', ver: keyIdOf(node.publicKey) }
          : { sub: user.name, role: user.role, ver: `v${user.tokenVersion}` }
      return {
        claims: {
          ...{ ...who, iss: ISSUER, aud: kind, iat, exp: iat + 600, jti: randomUUID() },
          ...{ sid: randomUUID(), auth_time: iat },
        },
        key: signingKey(secret, kind),
        otherKeys: (['people', 'fl-client', 'session', 'challenge'] as const)
          .filter((other) => other !== kind)
          .map((other) => signingKey(secret, other)),
        secret,
      }
    }
  })
  afterAll(() => world.close())

  /** What the door answers: 'in', or the code with which it refuses. */
  const show = async (door: Door, token: string): Promise<string> => {
    if (door === 'socket') return overSocket(world.url, token)
    const headers: Record<string, string> =
      door === 'cookie'
        ? { cookie: `${sessionCookie(false)}=${token}` }
        : { authorization: `Bearer ${token}` }
    const path = door === 'header of nodes' ? `/api/blobs/${'ab'.repeat(32)}` : '/api/runs'
    const { status, code } = await world.call(['GET', path], { token: '', headers })
    return status === 401 ? code : 'in'
  }

  it.each(DOORS)('SEC-T1: a sound one opens the %s', async (door) => {
    const { claims, key } = known(door)
    expect(await show(door, sign(claims, key))).toBe('in')
  })
  it.each(Object.keys(FORGERIES).flatMap((name) => DOORS.map((door) => [name, door] as const)))(
    'SEC-T1: forged: %s, at the %s',
    async (name, door) => {
      expect(await show(door, FORGERIES[name]!(known(door)))).toBe('auth/bad-token')
    },
  )
  it('SEC-T1: nothing has happened for any of them', async () => {
    const before = await world.store.audits(0, 1000)
    for (const forge of Object.values(FORGERIES)) {
      const token = forge(known('header of people'))
      for (const path of ['/api/nodes/invite', '/api/runs', '/api/users'])
        expect((await world.call(['POST', path], { token, body: '{}' })).status).toBe(401)
    }
    expect(await world.store.audits(0, 1000)).toEqual(before)
    expect([await world.store.runs(), (await world.store.nodes()).length]).toEqual([[], 1])
    const { text } = await world.call(['GET', '/api/status'], { token: '' })
    expect(JSON.parse(text)).toMatchObject({ nodesOnline: 0 })
  })
  it('SEC-T1: a token of one door opens no other, nor does it open one from another place', async () => {
    for (const from of DOORS)
      for (const to of DOORS) {
        if (KINDS[from] === KINDS[to]) continue
        const { claims, key } = known(from)
        expect([from, to, await show(to, sign(claims, key))]).toEqual([from, to, 'auth/bad-token'])
      }
    const { claims, key } = known('header of people')
    const sound = sign(claims, key)
    for (const [path, headers] of [
      [`/api/runs?token=${sound}`, {}],
      [`/api/runs?access_token=${sound}`, {}],
      ['/api/runs', { authorization: sound }],
      ['/api/runs', { authorization: `Basic ${sound}` }],
      ['/api/runs', { 'x-access-token': sound }],
    ] as const)
      expect((await world.call(['GET', path], { token: '', headers })).status).toBe(401)
  })
  it('SEC-T1: a secret that is too short is none', async () => {
    const parts = { store: new MemoryStore(), clock: new FakeClock() }
    await expect(createAuth({ ...parts, secret: Buffer.alloc(31) })).rejects.toThrow(/32 bytes/)
  })
})

async function overSocket(url: string, token: string): Promise<string> {
  const socket = connectWith(url, token)
  const heard = await new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('in'))
    socket.once('connect_error', (error: Error & { data?: { problem?: { code: string } } }) =>
      resolve(error.data?.problem?.code ?? error.message),
    )
  })
  socket.disconnect()
  return heard
}
