import { once } from 'node:events'
import { createServer, type Server as HttpsServer } from 'node:https'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server } from 'socket.io'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FederationError } from '#protocol/errors.js'
import { selfSignedIdentity, type TlsIdentity } from '#coordinator/tls/certificate.js'
import { fetchBlob } from './http.js'
import { openLink, type Link } from './socket.js'
import { coordinatorFetch, normalFingerprint, trustCoordinator, trustOf } from './trust.js'

const { signal } = new AbortController()
const OTHER = 'AB'.repeat(32)

describe('a fingerprint', () => {
  const normal = Array.from({ length: 32 }, () => 'AB').join(':')
  it.each([OTHER, OTHER.toLowerCase(), normal, ` sha256:${OTHER}\n`, `SHA256=${normal}`])(
    'is understood as %s',
    (text) => expect(normalFingerprint(text)).toBe(normal),
  )
  it.each(['', 'AB', `${OTHER}0`, OTHER.replace('A', 'G')])('is not %s', (text) => {
    expect(() => normalFingerprint(text)).toThrow(/64 hexadecimal digits/)
  })
})

describe('a coordinator with a certificate of its own', () => {
  let directory: string
  let identity: TlsIdentity
  let server: HttpsServer
  let io: Server
  let url: string
  let links: Link[]
  /** Requests and handshakes that reached the application: none may, where the certificate is refused. */
  let reached: string[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
    identity = await selfSignedIdentity(directory, '127.0.0.1')
    ;[reached, links] = [[], []]
    server = createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
      reached.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.end('hello')
    })
    io = new Server(server, { transports: ['websocket'] })
    io.engine.on('connection', () => reached.push('socket'))
    io.of('/fl').on('connection', (socket) => {
      socket.onAny((_name, _message, acknowledge: (ack: object) => void) => {
        acknowledge({ ok: true })
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    for (const link of links) link.close()
    trustCoordinator(url, {})
    await io.close()
    await rm(directory, { recursive: true })
  })
  const hello = async (): Promise<string> => {
    const headers = { authorization: 'Bearer secret' }
    return (await coordinatorFetch(new URL('/', url), { headers, signal })).text()
  }
  const connect = (): { link: Link; refused: Promise<FederationError> } => {
    let refuse: (error: FederationError) => void = () => undefined
    const refused = new Promise<FederationError>((resolve) => (refuse = resolve))
    const link = openLink({
      url,
      token: { get: () => Promise.resolve('secret'), drop: () => undefined },
      greet: async (opened) => void (await opened.ask('node:hello', {})),
      onConnected: () => undefined,
      onLost: () => undefined,
      onRefused: refuse,
    })
    links.push(link)
    link.connected().catch(() => undefined)
    return { link, refused }
  }

  it('is talked to by its fingerprint, over both transports', async () => {
    trustCoordinator(url, { fingerprints: [identity.fingerprint] })
    expect(await hello()).toBe('hello')
    await connect().link.connected()
    expect(reached).toEqual(['GET / Bearer secret', 'socket'])
    expect(trustOf(url)).toEqual({ fingerprints: [identity.fingerprint] })
  })

  it('is talked to by one of several fingerprints, while it changes its certificate', async () => {
    trustCoordinator(url, { fingerprints: [OTHER, identity.fingerprint] })
    expect(await hello()).toBe('hello')
  })

  it('is talked to by its authority, which is then the only one', async () => {
    trustCoordinator(url, { ca: identity.cert })
    expect(await hello()).toBe('hello')
    await connect().link.connected()
    const other = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
    trustCoordinator(url, { ca: (await selfSignedIdentity(other, '127.0.0.1')).cert })
    await rm(other, { recursive: true })
    const { refused } = connect()
    expect(await refused).toMatchObject({ code: 'tls/certificate-unknown' })
  })

  it('gets nothing, not even a request head, when it shows another certificate', async () => {
    trustCoordinator(url, { fingerprints: [OTHER] })
    const blob = { hash: 'ab'.repeat(32) as never, bytes: 1 }
    const asked = fetchBlob({ url, token: 'secret', signal }, blob)
    await expect(asked).rejects.toMatchObject({
      code: 'tls/certificate-changed',
      retryable: false,
      message: expect.stringContaining(identity.fingerprint) as string,
    })
    expect(await connect().refused).toMatchObject({ code: 'tls/certificate-changed' })
    expect(reached).toEqual([])
  })

  it('gets nothing without a fingerprint: no authority vouches for it', async () => {
    const asked = fetchBlob({ url, token: 'secret', signal }, { hash: '' as never, bytes: 1 })
    await expect(asked).rejects.toMatchObject({ code: 'tls/certificate-unknown', retryable: false })
    expect(await connect().refused).toMatchObject({ code: 'tls/certificate-unknown' })
    expect(reached).toEqual([])
  })

  it('is refused by a node that was connected when it comes back with another certificate', async () => {
    trustCoordinator(url, { fingerprints: [identity.fingerprint] })
    const { link, refused } = connect()
    await link.connected()
    const other = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
    const next = await selfSignedIdentity(other, '127.0.0.1')
    await rm(other, { recursive: true })
    server.setSecureContext({ cert: next.cert, key: next.key })
    io.of('/fl').sockets.forEach((socket) => socket.conn.close())
    expect(await refused).toMatchObject({ code: 'tls/certificate-changed' })
    await expect(hello()).rejects.toThrow()
    expect(reached).toEqual(['socket'])
  })

  it('cannot be pinned at an address that is not encrypted', () => {
    const plain = url.replace('https', 'http')
    expect(() => trustCoordinator(plain, { fingerprints: [OTHER] })).toThrow(/begins with https/)
  })
})
