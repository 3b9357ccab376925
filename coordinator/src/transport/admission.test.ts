import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuth, type Auth } from '#coordinator/auth/auth.js'
import { sessionCookie } from '#coordinator/auth/cookies.js'
import { keyIdOf } from '#coordinator/auth/enrolment.js'
import { OPERATOR_GRANT } from '#coordinator/auth/operator.js'
import { startSession, type StartedSession } from '#coordinator/auth/session.js'
import { Operations } from '#coordinator/ops/operations.js'
import { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { liveOn } from '#testing/live-on.js'
import { madeUpNode } from '#testing/synthetic-identity.js'
import { serveSockets, type SocketServer } from './socket-server.js'

const NOW = '2026-01-01T00:00:00.000Z'
const COOKIE = sessionCookie(false)
type Ack = { readonly ok: boolean; readonly problem?: { readonly code: string } }

describe('the doors of sockets', () => {
  let store: MemoryStore
  let clock: FakeClock
  let auth: Auth
  let server: Server
  let sockets: SocketServer
  let url: string
  let nodeToken: string
  const open: Socket[] = []

  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    auth = await createAuth({ secret: Buffer.alloc(32, 3), store, clock })
    const { row } = madeUpNode('a')
    await store.addNode(row)
    const version = keyIdOf(row.publicKey)
    nodeToken = auth.tokens.issue('fl-client', { subject: row.nodeId, role: 'node', version }).token
    server = createServer()
    const ready = Promise.resolve()
    const fleet = new SocketFleet({ store, clock })
    const { live } = liveOn(store, clock)
    const rest = { live, ready, ops: new Operations(), onError: () => undefined }
    sockets = serveSockets({ server, auth, fleet, ...rest })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    auth.origins.allow(url)
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.disconnect()
    sockets.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  interface Shown {
    readonly token?: unknown
    readonly cookie?: string
    readonly origin?: string
  }
  const connect = async (namespace: string, { token, cookie, origin }: Shown): Promise<Socket> => {
    const socket = io(`${url}${namespace}`, {
      ...{ transports: ['websocket'], reconnection: false, forceNew: true },
      auth: token === undefined ? {} : { token },
      extraHeaders: {
        ...(cookie === undefined ? {} : { cookie }),
        ...(origin === undefined ? {} : { origin }),
      },
    })
    open.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    return socket
  }
  const tried = (namespace: string, shown: Shown): Promise<string> =>
    connect(namespace, shown).then(
      () => 'in',
      (error: Error & { data?: { problem: { code: string } } }) =>
        error.data?.problem.code ?? error.message,
    )
  const ask = (socket: Socket, name: string, value: unknown): Promise<Ack> =>
    socket.timeout(5_000).emitWithAck(name, value) as Promise<Ack>
  const ended = (socket: Socket): Promise<void> =>
    new Promise((resolve) => socket.once('disconnect', () => resolve()))
  const signedIn = async (name = 'ada'): Promise<StartedSession> => {
    await auth.people.add({ name, role: 'viewer' }, NOW)
    return startSession(auth, (await store.user(name))!)
  }

  it('let nodes in at the one and people at the other', async () => {
    const { access, session } = await signedIn()
    const operator = auth.tokens.issue('people', OPERATOR_GRANT).token
    expect(await tried('/fl', { token: nodeToken })).toBe('in')
    for (const token of [access.token, operator]) expect(await tried('/ui', { token })).toBe('in')
    for (const [namespace, token] of [
      ['/ui', nodeToken],
      ['/fl', access.token],
      ['/fl', operator],
      // What is exchanged for tokens is none itself.
      ['/ui', session.token],
      ['/fl', session.token],
      ['/ui', undefined],
      ['/ui', null],
      ['/ui', { $ne: null }],
    ] as const)
      expect([namespace, await tried(namespace, { token })]).toEqual([namespace, 'auth/bad-token'])
  })

  it('let a page in by its cookie, if it is one of ours and says so', async () => {
    const { session, access } = await signedIn()
    const cookie = `${COOKIE}=${session.token}`
    expect(await tried('/ui', { cookie, origin: url })).toBe('in')
    expect(await tried('/ui', { cookie })).toBe('auth/forbidden')
    for (const bad of [
      `${COOKIE}=${access.token}`,
      `${cookie}; ${COOKIE}=x`,
      'other=1',
      `${COOKIE}=`,
    ])
      expect([bad, await tried('/ui', { cookie: bad, origin: url })]).toEqual([
        bad,
        'auth/bad-token',
      ])
    // A node is no page: a cookie says nothing of it.
    expect(await tried('/fl', { cookie, origin: url })).toBe('auth/bad-token')
  })

  it.each(['http://evil.example', 'null', 'https://127.0.0.1:1'])(
    'give a page of %s no connection at all, whatever it brings',
    async (origin) => {
      const { session, access } = await signedIn()
      const cookie = `${COOKIE}=${session.token}`
      for (const shown of [{ cookie }, { token: access.token }, { token: nodeToken }])
        expect(await tried('/ui', { ...shown, origin })).toBe('websocket error')
      const upgrade = request(`${url}/socket.io/?EIO=4&transport=websocket`, {
        headers: {
          ...{ origin, cookie, connection: 'Upgrade', upgrade: 'websocket' },
          ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
        },
      }).end()
      const [response] = (await once(upgrade, 'response')) as [{ statusCode: number }]
      expect(response.statusCode).toBe(403)
      upgrade.destroy()
    },
  )

  it('take from people no message that the table does not name', async () => {
    const { access } = await signedIn()
    const socket = await connect('/ui', { token: access.token })
    for (const name of ['node:hello', 'update:chunk', '__proto__', 'error', 'anything'])
      expect(await ask(socket, name, {})).toMatchObject({
        ...{ ok: false, problem: { code: 'message/malformed' } },
      })
  })

  it.each([
    ['they are revoked', () => auth.people.revoke('ada', NOW)],
    ['their role changes', () => auth.people.changeRole('ada', 'researcher')],
  ])('close behind people when %s', async (_what, change) => {
    const { access, session } = await signedIn()
    const cookie = `${COOKIE}=${session.token}`
    const inside = [
      await connect('/ui', { token: access.token }),
      await connect('/ui', { cookie, origin: url }),
    ]
    const other = await connect('/ui', { token: (await signedIn('bob')).access.token })
    const gone = inside.map(ended)
    await change()
    auth.gate.expel('ada')
    await Promise.all(gone)
    expect(await tried('/ui', { token: access.token })).toBe('auth/bad-token')
    expect(await tried('/ui', { cookie, origin: url })).toBe('auth/bad-token')
    expect(other.connected).toBe(true)
    expect(await ask(other, 'x', {})).toBeDefined()
  })
  it('close when the session was ended, and when the token has', async () => {
    const { access } = await signedIn()
    const gone = ended(await connect('/ui', { token: access.token }))
    await auth.gate.endSession(await auth.gate.admit(access.token, 'people'))
    await gone
    const [node, person] = [
      await connect('/fl', { token: nodeToken }),
      await connect('/ui', { token: (await signedIn('bob')).access.token }),
    ]
    const both = [node, person].map(ended)
    clock.advance(901_000)
    await Promise.all(both)
    expect(auth.presence.size).toBe(0)
  })
  it('forget who has left', async () => {
    const socket = await connect('/fl', { token: nodeToken })
    expect(auth.presence.size).toBe(1)
    socket.disconnect()
    await expect.poll(() => auth.presence.size).toBe(0)
  })
})
