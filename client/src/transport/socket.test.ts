import { createServer, type Server as HttpServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Server } from 'socket.io'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FederationError, type ErrorCode } from '#protocol/errors.js'
import { openLink, type Link, type LinkOptions } from './socket.js'

type Handshake = (token: string) => ErrorCode | null

describe('the link to a coordinator', () => {
  let http: HttpServer
  let io: Server
  let url: string
  let link: Link
  /** Tokens that were shown, and what happened, in order. */
  let shown: string[]
  let happened: string[]
  let refusals: FederationError[]
  let admit: Handshake
  let dropped: number
  let token: () => Promise<string>
  let hello: (count: number) => object

  const open = (change: Partial<LinkOptions> = {}): Link => {
    link = openLink({
      url,
      token: { get: () => token(), drop: () => void (dropped += 1) },
      greet: async (opened) => {
        await opened.ask('node:hello', {})
      },
      onConnected: () => happened.push('connected'),
      onLost: () => happened.push('lost'),
      onRefused: (error) => refusals.push(error),
      ...change,
    })
    return link
  }
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await nextTurn()
  }

  beforeEach(async () => {
    ;[shown, happened, refusals, dropped] = [[], [], [], 0]
    admit = () => null
    token = () => Promise.resolve('good')
    hello = () => ({ ok: true })
    let hellos = 0
    http = createServer()
    io = new Server(http, { transports: ['websocket'] })
    io.of('/fl').use((socket, next) => {
      const { token: told } = socket.handshake.auth as { token: string }
      shown.push(told)
      const code = admit(told)
      const data = { problem: { code, message: 'no' } }
      if (code === null) next()
      else next(Object.assign(new FederationError(code, 'no'), { data }))
    })
    io.of('/fl').on('connection', (socket) => {
      socket.on('node:hello', (_message, acknowledge: (ack: object) => void) => {
        hellos += 1
        acknowledge(hello(hellos))
      })
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    link.close()
    await io.close()
  })

  it('greets, answers, and comes back after the connection was cut', async () => {
    open().on('round:fate', (message) => {
      if (message === null) throw new FederationError('message/malformed', 'nothing')
      return { ok: true }
    })
    await link.connected()
    const say = (message: unknown) =>
      io.of('/fl').timeout(10_000).emitWithAck('round:fate', message)
    expect(await say({})).toEqual([{ ok: true }])
    expect(await say(null)).toMatchObject([{ problem: { code: 'message/malformed' } }])
    io.of('/fl').sockets.forEach((socket) => socket.conn.close())
    await until(() => happened.length === 3)
    expect(happened).toEqual(['connected', 'lost', 'connected'])
    await link.connected()
  })

  it('fetches another token when the one it has is refused', async () => {
    admit = (told) => (told === 'old' ? 'auth/bad-token' : null)
    token = () => Promise.resolve(dropped === 0 ? 'old' : 'new')
    await open().connected()
    expect(shown).toEqual(['old', 'new'])
    expect(refusals).toEqual([])
  })

  it('is not refused for good because no token could be fetched for a while', async () => {
    admit = (told) => (told === '' ? 'auth/bad-token' : null)
    token = () =>
      shown.length < 3
        ? Promise.reject(new FederationError('coordinator/unreachable', 'not yet'))
        : Promise.resolve('good')
    await open().connected()
    expect(shown).toEqual(['', '', '', 'good'])
  })

  it('greets once although connections were lost while it fetched its token', async () => {
    const given: (() => void)[] = []
    const connections: { close(): void }[] = []
    io.engine.on('connection', (connection: { close(): void }) => connections.push(connection))
    token = () => new Promise((resolve) => given.push(() => resolve('good')))
    // As a coordinator does, which hears hello once from each connection.
    hello = (count) =>
      count === 1
        ? { ok: true }
        : { ok: false, problem: { code: 'message/malformed', message: '2' } }
    const connecting = open().connected()
    for (let tries = 1; tries <= 3; tries += 1) {
      await until(() => given.length === tries)
      if (tries < 3) connections.at(-1)?.close()
    }
    for (const give of given) give()
    await connecting
    // Every connection that was let in answers: one.
    link.on('round:fate', () => ({ ok: true }))
    await io.of('/fl').timeout(10_000).emitWithAck('round:fate', {})
    expect(shown).toEqual(['good'])
    expect([happened, refusals]).toEqual([['connected'], []])
  })

  it('is refused for good when fresh tokens do not help', async () => {
    admit = () => 'auth/bad-token'
    const connecting = open().connected()
    await expect(connecting).rejects.toMatchObject({ code: 'coordinator/unreachable' })
    expect(shown).toHaveLength(3)
    expect(refusals).toMatchObject([{ code: 'auth/bad-token' }])
  })

  it('is refused for good when there is no token for this node', async () => {
    token = () => Promise.reject(new FederationError('auth/bad-token', 'unknown'))
    await expect(open().connected()).rejects.toBeDefined()
    expect(refusals).toMatchObject([{ message: 'unknown' }])
  })

  it('greets again when it was not understood once, and gives up when it never will be', async () => {
    hello = (count) =>
      count === 1
        ? { ok: false, problem: { code: 'auth/too-many-tries', message: 'wait' } }
        : { ok: true }
    await open().connected()
    expect(happened).toEqual(['connected'])
    hello = () => ({ ok: false, problem: { code: 'message/malformed', message: 'other version' } })
    io.of('/fl').sockets.forEach((socket) => socket.conn.close())
    await until(() => refusals.length > 0)
    expect(refusals).toMatchObject([{ message: 'other version' }])
  })

  it('takes being sent away for what it is: another process in its place, or a revocation', async () => {
    await open().connected()
    io.of('/fl').disconnectSockets()
    await until(() => refusals.length > 0)
    expect(refusals).toMatchObject([{ code: 'store/locked' }])

    await open().connected()
    token = () => Promise.reject(new FederationError('auth/bad-token', 'revoked'))
    io.of('/fl').disconnectSockets()
    await until(() => refusals.length > 1)
    expect(refusals[1]).toMatchObject({ message: 'revoked' })
  })

  it('lets nobody wait once it is closed', async () => {
    const connecting = open({ greet: () => new Promise(() => undefined) }).connected()
    await until(() => shown.length > 0)
    link.close()
    await expect(connecting).rejects.toMatchObject({ code: 'coordinator/unreachable' })
    await expect(link.connected()).rejects.toBeDefined()
    await expect(link.ask('node:hello', {})).rejects.toMatchObject({ retryable: true })
  })

  it('tells whoever waits for an acknowledgement that the connection is lost', async () => {
    await open().connected()
    const asking = link.ask('update:finish', {})
    io.of('/fl').sockets.forEach((socket) => socket.conn.close())
    await expect(asking).rejects.toMatchObject({ code: 'coordinator/unreachable' })
  })
})
