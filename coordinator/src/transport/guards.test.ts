import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as SocketIoServer, type Socket } from 'socket.io'
import { io as connect, type Socket as ClientSocket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFrame } from '#protocol/frame.js'
import { CHUNK_BYTES, CHUNK_CREDITS } from '#protocol/messages.js'
import type { FederationError } from '#protocol/errors.js'
import type { ServerLimits } from '#coordinator/ops/limits.js'
import { Operations } from '#coordinator/ops/operations.js'
import { FakeClock } from '#testing/fake-clock.js'
import { MessageGuard, SubjectSockets, watchBacklog } from './guards.js'
import { SOCKET_SETTINGS } from './settings.js'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const HASH = 'a'.repeat(64)
const CHUNK = encodeFrame({
  header: {
    ...{ runId: 'run-0123456789ab', round: 1, attempt: 1, lease: 'b'.repeat(32), weight: 1 },
    ...{ updateId: HASH, payloadSha256: HASH, payloadBytes: 3 },
  } as never,
  chunkIndex: 0,
  chunk: Buffer.from('abc'),
})
/** A value of `tributary_<name>{…labels}` as Prometheus would read it. */
async function metric(ops: Operations, line: string): Promise<number> {
  const text = await ops.metrics.text()
  return Number(
    text
      .split('\n')
      .find((one) => one.startsWith(`tributary_${line} `))
      ?.split(' ')
      .at(-1) ?? 0,
  )
}

describe('the messages of one connection', () => {
  let clock: FakeClock
  let ops: Operations
  let guard: MessageGuard
  let closed: number
  const build = (limits: Partial<ServerLimits> = {}): void => {
    clock = new FakeClock()
    ops = new Operations({ clock, limits })
    closed = 0
    guard = new MessageGuard(ops, () => (closed += 1))
  }
  const yes = { ok: true }
  const grant = { ok: true, nextChunk: 0, chunkBytes: CHUNK_BYTES }
  const say = (name: string, ack: object = yes, value: unknown = {}): Promise<string> =>
    guard
      .run(name, value, async () => ack)
      .then(
        () => 'ok',
        (error: FederationError) => error.code,
      )
  beforeEach(() => build())

  it('come in bursts and at a rate, each kind for itself, made-up names together', async () => {
    build({ messages: { burst: 2, perSecond: 1 } })
    const kinds = ['fate:ask', 'node:progress', 'x', 'y'] as const
    const answers = []
    for (const name of kinds) answers.push(await say(name), await say(name))
    expect(answers).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', TOO_MANY, TOO_MANY])
    clock.advance(1_000)
    expect([await say('fate:ask'), await say('fate:ask')]).toEqual(['ok', TOO_MANY])
    expect(await metric(ops, 'messages_total{message="other",outcome="ok"}')).toBe(2)
    expect(await metric(ops, 'messages_total{message="fate:ask",outcome="limited"}')).toBe(1)
    expect(await ops.metrics.text()).not.toContain('message="x"')
  })
  const TOO_MANY = 'auth/too-many-tries'

  it('end the connection when they do not stop', async () => {
    build({ messages: { burst: 1, perSecond: 0 }, refusedMessages: 3 })
    for (let sent = 0; sent < 10; sent += 1) await say('fate:ask')
    expect(closed).toBe(1)
    expect(await metric(ops, 'sockets_closed_total{reason="flood"}')).toBe(1)
  })

  it('hold no place unless an update is on its way', async () => {
    expect(await say('update:chunk', yes, CHUNK)).toBe('upload/out-of-order')
    expect(await say('update:chunk', yes, {})).toBe('frame/malformed')
    expect(await say('update:begin', { ok: true, status: 'accepted' })).toBe('ok')
    expect(ops.uploads.active).toBe(0)
    await say('update:begin', grant)
    await say('update:begin', grant)
    expect(ops.uploads.active).toBe(1)
    expect(await say('update:chunk', yes, CHUNK)).toBe('ok')
    expect(await metric(ops, 'upload_bytes_total')).toBe(CHUNK.byteLength)
    await say('update:finish')
    expect(ops.uploads.active).toBe(0)
    expect(await say('update:chunk', yes, CHUNK)).toBe('upload/out-of-order')
    await say('update:begin', grant)
    const refuse = () => Promise.reject(new Error('the disk'))
    await expect(guard.run('update:begin', {}, refuse)).rejects.toThrow('the disk')
    expect(ops.uploads.active).toBe(0)
    expect(await metric(ops, 'messages_total{message="update:begin",outcome="failed"}')).toBe(1)
  })

  it('lose the place when the upload stands still, and get another by beginning again', async () => {
    await say('update:begin', grant)
    clock.advance(ops.limits.uploadStallMs)
    expect(ops.uploads.active).toBe(0)
    expect(await say('update:chunk', yes, CHUNK)).toBe('upload/too-slow')
    await say('update:begin', grant)
    expect(await say('update:chunk', yes, CHUNK)).toBe('ok')
    guard.end()
    expect([ops.uploads.active, clock.pending]).toEqual([0, 0])
  })

  it('are never more chunks at once than have credit', async () => {
    await say('update:begin', grant)
    const never = (): Promise<object> => new Promise(() => undefined)
    for (let sent = 0; sent < CHUNK_CREDITS; sent += 1) void guard.run('update:chunk', CHUNK, never)
    expect(await say('update:chunk', yes, CHUNK)).toBe('upload/out-of-order')
    expect(ops.drain.underWay).toBe(CHUNK_CREDITS)
  })

  it('begin no update while the coordinator stops, but finish what they have begun', async () => {
    await say('update:begin', grant)
    const draining = ops.drain.drained(clock, 1_000)
    let isBegun = false
    void say('update:begin', grant).then(() => (isBegun = true))
    await settled()
    expect(isBegun).toBe(false)
    expect(await say('update:finish')).toBe('ok')
    expect(await draining).toBe(true)
  })

  it('that wait for a place are forgotten when the connection ends', async () => {
    build({ uploadBytes: 1 })
    const other = new MessageGuard(ops, () => undefined)
    await other.run('update:begin', {}, async () => grant)
    const waiting = say('update:begin', grant)
    await settled()
    expect(ops.uploads.waiting).toBe(1)
    guard.end()
    expect(await waiting).toBe('coordinator/unreachable')
    other.end()
    expect([ops.uploads.active, ops.uploads.waiting]).toEqual([0, 0])
  })
})

describe('sockets', () => {
  let http: Server
  let io: SocketIoServer
  let ops: Operations
  const clients: ClientSocket[] = []
  const enter = async (): Promise<readonly [ClientSocket, Socket]> => {
    const { port } = http.address() as AddressInfo
    const client = connect(`http://127.0.0.1:${port}`, {
      ...{ transports: ['websocket'], forceNew: true, reconnection: false },
    })
    clients.push(client)
    const [server] = (await once(io, 'connection')) as [Socket]
    return [client, server]
  }
  beforeEach(async () => {
    ops = new Operations()
    http = createServer()
    io = new SocketIoServer(http, { ...SOCKET_SETTINGS, transports: ['websocket'] })
    io.engine.on('connection', (raw) => watchBacklog(raw as never, ops))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    await io.close()
  })

  it('of one subject: a further one ends the oldest', async () => {
    ops = new Operations({ limits: { socketsPerSubject: 2 } })
    const sockets = new SubjectSockets(ops)
    const [first, second, third] = [await enter(), await enter(), await enter()]
    const gone = once(first[0] as never, 'disconnect')
    for (const [, server] of [first, second, third]) sockets.enter('node-a', server)
    await gone
    expect([second[0].connected, third[0].connected]).toEqual([true, true])
    sockets.enter('node-b', (await enter())[1])
    expect(third[0].connected).toBe(true)
    expect(await metric(ops, 'sockets_closed_total{reason="replaced"}')).toBe(1)
  })

  it('that do not read are closed before much waits for them', async () => {
    const [client, server] = await enter()
    const engine = client.io.engine as unknown as { transport: { ws: { _socket: Pausable } } }
    engine.transport.ws._socket.pause()
    const text = 'x'.repeat(100_000)
    let sent = 0
    while (server.connected && sent < 1_000) {
      server.emit('round:start', text)
      sent += 1
      await settled()
    }
    expect(server.connected).toBe(false)
    // What the kernel took is not memory of this process.
    expect(sent).toBeLessThan(1_000)
    expect(await metric(ops, 'sockets_closed_total{reason="backlog"}')).toBe(1)
  })

  it('that read are not, however much they are sent', async () => {
    const [client, server] = await enter()
    let read = 0
    client.on('round:start', (_text, acknowledge: () => void) => {
      read += 1
      acknowledge()
    })
    for (let sent = 0; sent < 100; sent += 1)
      await server.emitWithAck('round:start', 'x'.repeat(100_000))
    expect([read, server.connected]).toEqual([100, true])
  })

  it('take one attachment a message', async () => {
    const [client, server] = await enter()
    const heard: unknown[] = []
    server.onAny((name) => heard.push(name))
    client.emit('one', Buffer.from('a'))
    await expect.poll(() => heard).toEqual(['one'])
    const gone = once(client as never, 'disconnect')
    client.emit('two', Buffer.from('a'), Buffer.from('b'))
    await gone
    expect(heard).toEqual(['one'])
  })
})
interface Pausable {
  pause(): void
}
