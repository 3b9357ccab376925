import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import jwt from 'jsonwebtoken'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FederationError } from '#protocol/errors.js'
import { newNodeId, type NodeId } from '#protocol/ids.js'
import { CHUNK_BYTES, isMessageName } from '#protocol/messages.js'
import { newKeyPair } from '#protocol/proof.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { createAuth } from '#coordinator/auth/auth.js'
import { keyIdOf } from '#coordinator/auth/enrolment.js'
import { createTokens, type Grant, type Tokens } from '#coordinator/auth/tokens.js'
import { systemClock, type Clock } from '#coordinator/clock.js'
import { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { liveOn } from '#testing/live-on.js'
import { connectWith, TINY_CARD } from '#testing/socket-node.js'
import { RECEIVED } from './receive.js'
import { Operations } from '#coordinator/ops/operations.js'
import { SOCKET_SETTINGS } from './settings.js'
import { serveSockets, type SocketServer } from './socket-server.js'

const SECRET = Buffer.alloc(32, 3)
const { publicKey: KEY } = newKeyPair()
const grantOf = (subject: string): Grant => ({ subject, role: 'node', version: keyIdOf(KEY) })
const HELLO = { version: '1', name: 'a', card: TINY_CARD, policy: DEFAULT_POLICY }
type Ack = { readonly ok: boolean; readonly problem?: { readonly code: string } }

describe('the socket server', () => {
  let store: MemoryStore
  let fleet: SocketFleet
  let tokens: Tokens
  let server: Server
  let sockets: SocketServer
  let url: string
  let onError: ReturnType<typeof vi.fn<(error: FederationError) => void>>
  /** Timers that the server has set, to be fired by hand. */
  let timers: { readonly ms: number; readonly then: () => void }[]
  const open: Socket[] = []
  const clock: Clock = {
    ...systemClock,
    after: (ms, then) => {
      timers.push({ ms, then })
      return { cancel: () => undefined }
    },
  }

  beforeEach(async () => {
    store = new MemoryStore()
    tokens = createTokens(SECRET)
    timers = []
    onError = vi.fn()
    fleet = new SocketFleet({ store, clock })
    server = createServer()
    const ready = Promise.resolve()
    const auth = await createAuth({ secret: SECRET, store, clock })
    const { live } = liveOn(store, clock)
    const ops = new Operations({ clock })
    sockets = serveSockets({ server, auth, fleet, live, ready, ops, onError })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.disconnect()
    sockets.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const enrolled = async (): Promise<NodeId> => {
    const node = { nodeId: newNodeId(), name: 'a', publicKey: KEY }
    await store.addNode({ ...node, enrolledAt: '', revokedAt: null })
    return node.nodeId
  }
  const tokenOf = (nodeId: string): string => tokens.issue('fl-client', grantOf(nodeId)).token
  const connect = async (token: unknown, to = url): Promise<Socket> => {
    const socket = connectWith(to, token)
    open.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    return socket
  }
  const ask = (socket: Socket, name: string, ...values: unknown[]): Promise<Ack> =>
    socket.timeout(5_000).emitWithAck(name, ...values) as Promise<Ack>
  const greeted = async (nodeId: NodeId): Promise<Socket> => {
    const socket = await connect(tokenOf(nodeId))
    expect(await ask(socket, 'node:hello', HELLO)).toEqual({ ok: true })
    return socket
  }

  it('has settings under which a peer can make it allocate one chunk and no more', () => {
    const { engine } = sockets.io
    expect(engine.opts).toMatchObject(SOCKET_SETTINGS)
    expect(engine.opts).toMatchObject({ maxHttpBufferSize: 262_144 + 16_384, pingTimeout: 20_000 })
    expect(engine.opts.cors).toBe(false) // the default: no page of another origin is let in
    expect([...sockets.io._nsps.keys()].sort()).toEqual(['/', '/fl', '/ui'])
  })

  it('handles exactly the messages that nodes send', () => {
    const announced = ['round:start', 'round:fate', 'run:finished']
    // A frame is no message of the table: its bytes are judged by the frame's decoder.
    for (const name of RECEIVED) expect(isMessageName(name)).toBe(name !== 'update:chunk')
    for (const name of announced) expect(RECEIVED).not.toContain(name)
    expect(RECEIVED).toHaveLength(7)
  })

  describe('at the door', () => {
    const codeOf = async (token: unknown): Promise<string> => {
      const error = await connect(token).then(
        () => new Error('connected'),
        (refused: Error & { data?: { problem: { code: string } } }) => refused,
      )
      return 'data' in error ? (error.data?.problem.code ?? '') : error.message
    }
    it.each([
      ['none', () => undefined],
      ['an object', () => ({ $ne: null })],
      ['garbage', () => 'abc'],
      ['one of people', () => tokens.issue('people', grantOf('administrator')).token],
      ['one of a node that never enrolled', () => tokenOf(newNodeId())],
      ['one of no node', () => tokenOf('administrator')],
      ['one without signature', () => jwt.sign({ sub: 'x' }, '', { algorithm: 'none' })],
      [
        'one of another coordinator',
        () => createTokens(Buffer.alloc(32, 4)).issue('fl-client', grantOf('x')).token,
      ],
      [
        'an expired one',
        () => createTokens(SECRET, () => 1_000_000).issue('fl-client', grantOf('x')).token,
      ],
    ])('refuses a token that is %s', async (_what, token) => {
      expect(await codeOf(token())).toBe('auth/bad-token')
      expect(fleet.registry.online()).toEqual([])
    })
    it('refuses a revoked node', async () => {
      const nodeId = await enrolled()
      const token = tokenOf(nodeId)
      await store.revokeNode(nodeId, 'now')
      expect(await codeOf(token)).toBe('auth/bad-token')
    })
    it.each(['/', '/x', '/fl/x'])('does not serve the namespace %s', async (namespace) => {
      const token = tokenOf(await enrolled())
      const socket = io(`${url}${namespace}`, {
        ...{ transports: ['websocket'], reconnection: false, forceNew: true, auth: { token } },
      })
      open.push(socket)
      const [error] = (await once(socket as never, 'connect_error')) as [Error]
      expect(error.message).toBe('Invalid namespace')
    })
  })

  it('shows a node when it has said hello, and no longer when it is gone', async () => {
    const nodeId = await enrolled()
    const socket = await connect(tokenOf(nodeId))
    expect(fleet.registry.get(nodeId)).toBeNull()
    expect(await ask(socket, 'fate:ask', {})).toMatchObject({
      problem: { code: 'message/malformed' },
    })
    expect(await ask(socket, 'node:hello', HELLO)).toEqual({ ok: true })
    expect(fleet.registry.get(nodeId)).toMatchObject({ nodeId, name: 'a', card: TINY_CARD })
    expect(await ask(socket, 'node:hello', HELLO)).toMatchObject({ ok: false })
    const changed = fleet.changed(new AbortController().signal)
    socket.disconnect()
    await changed
    expect(fleet.registry.get(nodeId)).toBeNull()
  })

  it('lets the second session of a node end the first', async () => {
    const nodeId = await enrolled()
    const first = await greeted(nodeId)
    const ended = once(first as never, 'disconnect')
    await greeted(nodeId)
    expect(await ended).toEqual(expect.arrayContaining(['io server disconnect']))
    expect(fleet.registry.online()).toHaveLength(1)
  })

  it('ends a session when the node is expelled, and when its token expires', async () => {
    const [revoked, expired] = [await enrolled(), await enrolled()]
    const first = await greeted(revoked)
    const ended = once(first as never, 'disconnect')
    fleet.expel(revoked)
    expect((await ended)[0]).toBe('io server disconnect')

    const second = await greeted(expired)
    const closed = once(second as never, 'disconnect')
    const expiry = timers.at(-1)
    expect(expiry?.ms).toBeGreaterThan(898_000)
    expect(expiry?.ms).toBeLessThanOrEqual(900_000)
    expiry?.then()
    // So that the node comes back by itself, with a fresh token.
    expect((await closed)[0]).toBe('transport close')
  })

  it('closes a connection that sends more than a frame', async () => {
    const socket = await greeted(await enrolled())
    const closed = once(socket as never, 'disconnect')
    socket.emit('update:chunk', Buffer.alloc(CHUNK_BYTES + 40_000))
    expect((await closed)[0]).toMatch(/transport/)
    expect(fleet.registry.online()).toEqual([])
  })

  it.each([
    ['an unknown message', 'no:such', [{}]],
    ['a name that objects inherit', '__proto__', [{}]],
    ['another one', 'constructor', [{}]],
    ['what only the coordinator says', 'round:start', [{}]],
    ['no value', 'update:begin', []],
    ['null', 'update:finish', [null]],
    ['bytes where a message belongs', 'update:begin', [Buffer.alloc(10)]],
    ['a message where bytes belong', 'update:chunk', [{}]],
    ['an unknown key', 'node:progress', [{ role: 'admin' }]],
    ['empty bytes', 'update:chunk', [Buffer.alloc(0)]],
  ])('answers %s with the reason', async (_what, name, values) => {
    const socket = await greeted(await enrolled())
    const { ok, problem } = await ask(socket, name, ...values)
    expect(ok).toBe(false)
    expect(problem?.code).toMatch(/^(message|frame)\/malformed$/)
    expect(onError).not.toHaveBeenCalled()
  })

  it('survives an event called error and messages without an acknowledgement', async () => {
    const socket = await greeted(await enrolled())
    socket.emit('error', new Error('x'))
    socket.emit('error')
    socket.emit('update:begin', {})
    socket.emit('update:begin', () => 'not data')
    expect(await ask(socket, 'node:progress', {})).toMatchObject({ ok: false })
    expect(onError).not.toHaveBeenCalled()
  })

  it('answers every one of 500 random messages with a typed problem', async () => {
    const socket = await greeted(await enrolled())
    const message = fc.tuple(
      fc.constantFrom(...RECEIVED, 'error:', 'toString'),
      fc.oneof(
        fc.jsonValue(),
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      ),
    )
    await fc.assert(
      fc.asyncProperty(message, async ([name, value]) => {
        const { ok, problem } = await ask(socket, name, value)
        expect(ok).toBe(false)
        expect(problem?.code).toMatch(/malformed$/)
      }),
      { numRuns: 500, seed: 5 },
    )
    expect(onError).not.toHaveBeenCalled()
  })

  it('takes a few messages at a time', async () => {
    const socket = await greeted(await enrolled())
    vi.spyOn(fleet.reception, 'fate').mockReturnValue(new Promise(() => undefined))
    const place = { runId: 'run-0123456789ab', round: 1, attempt: 1, slot: 0 }
    for (let sent = 0; sent < 32; sent += 1) socket.emit('fate:ask', place, () => undefined)
    expect(await ask(socket, 'fate:ask', place)).toMatchObject({
      problem: { code: 'auth/too-many-tries' },
    })
  })

  it('tells its own faults to the log, not to the peer', async () => {
    const socket = await greeted(await enrolled())
    vi.spyOn(fleet.reception, 'fate').mockRejectedValue(new Error('a secret of the disk'))
    const place = { runId: 'run-0123456789ab', round: 1, attempt: 1, slot: 0 }
    const ack = await ask(socket, 'fate:ask', place)
    expect(ack).toMatchObject({ problem: { code: 'internal/bug' } })
    expect(JSON.stringify(ack)).not.toContain('secret')
    expect(onError).toHaveBeenCalledOnce()
  })
})
