import { once } from 'node:events'
import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:https'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { selfSignedIdentity, type TlsIdentity } from '#coordinator/tls/certificate.js'
import { SERVER_LIMITS, type ServerLimits } from './limits.js'
import { assertEncrypted, openListener, type Listener } from './listener.js'
import { Operations } from './operations.js'

/** What Node.js keeps behind symbols: the timer that looks for slow requests. */
function checkInterval(server: Server): number {
  const [key] = Object.getOwnPropertySymbols(server).filter((symbol) =>
    /connectionsCheckingInterval/.test(String(symbol)),
  )
  return (server as unknown as Record<symbol, { _repeat: number }>)[key!]!._repeat
}

describe('the listener', () => {
  let listener: Listener
  let directory: string | null = null
  const sockets: Socket[] = []
  const open = async (
    identity: TlsIdentity | null = null,
    limits: Partial<ServerLimits> = {},
  ): Promise<Operations> => {
    const ops = new Operations({ limits })
    listener = await openListener({
      app: (_request, response) => void response.end('hello'),
      ...{ host: '127.0.0.1', port: 0, identity, ops },
    })
    return ops
  }
  const identity = async (): Promise<TlsIdentity> => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-listener-'))
    return selfSignedIdentity(directory, '127.0.0.1')
  }
  const dial = (): Socket => {
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await listener.close()
    if (directory !== null) await rm(directory, { recursive: true })
    directory = null
  })

  it('holds the limits of the table on the live server', async () => {
    await open()
    const { server } = listener
    expect({
      headersMs: server.headersTimeout,
      requestMs: server.requestTimeout,
      checkMs: checkInterval(server),
      keepAliveMs: server.keepAliveTimeout,
      idleMs: server.timeout,
      connections: server.maxConnections,
    }).toEqual({
      ...{ headersMs: 10_000, requestMs: 30_000, checkMs: 5_000, keepAliveMs: 5_000 },
      ...{ idleMs: 120_000, connections: 12_000 },
    })
    expect(SERVER_LIMITS.idleMs).toBeGreaterThan(60_000)
    const head = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(SERVER_LIMITS.headerBytes)}\r\n\r\n`
    const socket = dial()
    socket.write(head)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain('431')
  })

  it('takes other limits as options', async () => {
    await open(null, { headersMs: 700, connections: 3, checkMs: 100 })
    const { server } = listener
    expect([server.headersTimeout, server.maxConnections, checkInterval(server)]).toEqual([
      700, 3, 100,
    ])
  })

  it('closes connections that are silent, and those that bring their head a letter at a time', async () => {
    const ops = await open(null, { headersMs: 200, requestMs: 400, checkMs: 50 })
    const all = Array.from({ length: 50 }, dial)
    for (const socket of all.slice(25)) socket.write('GET / HT')
    const ended = all.map((socket) => once(socket.resume(), 'close'))
    await Promise.all(ended)
    await expect.poll(() => ops.connections.open).toBe(0)
  })

  it('closes connections that bring their body too slowly', async () => {
    const ops = await open(null, { headersMs: 200, requestMs: 400, checkMs: 50 })
    const socket = dial()
    const closed = once(socket.resume(), 'close')
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\na')
    await closed
    await expect.poll(() => ops.connections.open).toBe(0)
  })

  it('closes connections that never shake hands', async () => {
    const ops = await open(await identity(), { tlsHandshakeMs: 200 })
    const socket = dial()
    await once(socket.resume(), 'close')
    await expect.poll(() => ops.connections.open).toBe(0)
  })

  it('speaks TLS 1.2 at least, with the certificate that it was given', async () => {
    const own = await identity()
    await open(own)
    expect(listener.server).toBeInstanceOf(TlsServer)
    expect(listener.url).toMatch(/^https:/)
    const port = Number(new URL(listener.url).port)
    const good = connectTls({ port, host: '127.0.0.1', ca: own.cert })
    await once(good, 'secureConnect')
    expect(good.getPeerCertificate().fingerprint256).toBe(own.fingerprint)
    expect(good.getProtocol()).toBe('TLSv1.3')
    good.destroy()
    const ca = await readFile(join(directory!, 'tls', 'certificate.pem'))
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
    const bad = connectTls({ port, host: '127.0.0.1', ca, ...old, ciphers: 'ALL:@SECLEVEL=0' })
    const [error] = (await once(bad, 'error')) as [Error]
    expect(error.message).toMatch(/protocol version/)
  })

  it('says which port is in use', async () => {
    await open()
    const port = Number(new URL(listener.url).port)
    const app = () => undefined
    const again = openListener({
      ...{ app, host: '127.0.0.1', port, identity: null, ops: new Operations() },
    })
    await expect(again).rejects.toMatchObject({ code: 'coordinator/port-in-use' })
    const nowhere = openListener({
      ...{ app, host: '192.0.2.1', port: 0, identity: null, ops: new Operations() },
    })
    await expect(nowhere).rejects.toMatchObject({ code: 'usage/bad-value' })
  })
})

describe('without TLS', () => {
  const plain = { isEncrypted: false, insecure: false }
  it.each(['127.0.0.1', '::1', 'localhost', '127.4.5.6'])('serves this machine on %s', (host) => {
    expect(() => assertEncrypted(host, plain)).not.toThrow()
  })
  it.each(['0.0.0.0', '::', '192.168.1.4', 'hospital.example', '128.0.0.1'])(
    'does not serve %s unless told so',
    (host) => {
      expect(() => assertEncrypted(host, plain)).toThrow(/in the clear/)
      expect(() => assertEncrypted(host, { ...plain, insecure: true })).not.toThrow()
      expect(() => assertEncrypted(host, { ...plain, isEncrypted: true })).not.toThrow()
    },
  )
})
