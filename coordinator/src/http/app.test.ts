import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { BLOB_PIECE_BYTES, HTTP_API } from '#protocol/http-api.js'
import { sha256, type Hash, type NodeId } from '#protocol/ids.js'
import { newKeyPair } from '#protocol/proof.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { enrolWithCode, tokenOf } from '#testing/synthetic-identity.js'
import { AuditGate } from '#coordinator/audit-gate/audit-gate.js'
import type { AuditSession } from '#coordinator/audit-gate/auditor.js'
import { AuditLog } from '#coordinator/audit/audit-log.js'
import { createAuth } from '#coordinator/auth/auth.js'
import { keyIdOf } from '#coordinator/auth/enrolment.js'
import { ADMINISTRATOR } from '#coordinator/auth/people.js'
import { createTokens } from '#coordinator/auth/tokens.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { RunManager } from '#coordinator/run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { Operations } from '#coordinator/ops/operations.js'
import { Views } from '#coordinator/views/views.js'
import { createApp } from './app.js'
import { BlobUploads } from './blob-uploads.js'
import { EventFeed } from './event-feed.js'
import { SUPERVISION } from './operations.js'
import { ROUTES } from './routes.js'

const RUN = 'run-0123456789ab'
const NODE = 'node-0123456789ab' as NodeId
const SECRET = Buffer.alloc(32, 1)
const tokens = createTokens(SECRET)
const KEYS = newKeyPair()
const PEOPLE = tokens.issue('people', {
  ...{ subject: ADMINISTRATOR, role: 'administrator', version: 'v1' },
}).token
const NODES = tokens.issue('fl-client', {
  ...{ subject: NODE, role: 'node', version: keyIdOf(KEYS.publicKey) },
}).token

describe('the HTTP API', () => {
  let store: MemoryStore
  let clock: FakeClock
  let feed: EventFeed
  let server: Server
  let base: string
  let onError: ReturnType<typeof vi.fn<(error: FederationError) => void>>
  let served: number[]
  let create: RunManager['create']
  const readable = new Set<Hash>()

  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    feed = new EventFeed(store, clock)
    onError = vi.fn()
    served = []
    readable.clear()
    await store.addNode({
      ...{ nodeId: NODE, name: 'a', publicKey: KEYS.publicKey },
      ...{ enrolledAt: clock.timestamp(), revokedAt: null },
    })
    create = () => Promise.reject(new Error('a secret of the disk'))
    const notFound = () => Promise.reject(new FederationError('run/not-found', 'no such run'))
    const runs = {
      ...{ record: notFound, stop: notFound, resume: notFound },
      create: (...args: Parameters<RunManager['create']>) => create(...args),
    } as unknown as RunManager
    const fleet = {
      registry: { get: () => null, online: () => [] },
      reception: { engineOf: () => null },
      ...{ taskOf: () => null, factsOf: () => null },
      coolDownsOf: () => [],
      expel: () => undefined,
      readBlob: async (nodeId: NodeId, hash: Hash) =>
        nodeId === NODE && readable.has(hash)
          ? { blobs: store.blobs, count: (bytes: number) => served.push(bytes) }
          : null,
    } as unknown as SocketFleet
    const ready = Promise.resolve()
    const uploads = new BlobUploads(store.blobs, 100)
    const log = await AuditLog.open(store, () => clock.timestamp())
    const auth = await createAuth({ secret: SECRET, store, clock })
    const watched = { ops: new Operations(), note: { debug: () => undefined }, onError }
    const gate = new AuditGate({
      ...{ store, clock, trustedKeys: [], key: newKeyPair() },
      startAudit: () => ({}) as AuditSession,
    })
    const parts = {
      ...{ store, runs, gate, fleet, auth, feed, uploads, clock, log, ready, ...watched },
      views: new Views({ store, runs, compute: new FakeCompute(store.blobs) }),
      observer: { view: () => Promise.reject(new Error('nobody looks')) },
    }
    server = createServer(createApp(parts)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const call = (
    [method, path]: readonly [string, string],
    {
      token = '',
      body,
      headers = {},
    }: { token?: string; body?: string | Buffer; headers?: object } = {},
  ): Promise<Response> =>
    fetch(`${base}${path}`, {
      method,
      headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body }),
    })
  const problemOf = async (response: Response): Promise<readonly [number, string]> => {
    const { problem } = (await response.json()) as { problem: { code: string } }
    return [response.status, problem.code]
  }
  const concrete = (path: string): string =>
    path
      .replace('/nodes/:id', `/nodes/${NODE}`)
      .replace(':id', RUN)
      .replace(':hash', 'ab'.repeat(32))

  describe('lets in', () => {
    it('by a table that names every call of the protocol and nothing twice', () => {
      const names = ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
      expect(new Set(names).size).toBe(names.length)
      const inBytes = ['GET /api/runs/:id/model', 'GET /api/runs/:id/start', 'GET /api/blobs/:hash']
      const others = [...inBytes, ...[...SUPERVISION].map((path) => `GET ${path}`)]
      expect([...names].sort()).toEqual([...Object.keys(HTTP_API), ...others].sort())
    })

    it('no node that was revoked, however good its token', async () => {
      await store.revokeNode(NODE, clock.timestamp())
      const response = await call(['GET', concrete('/api/blobs/:hash')], { token: NODES })
      expect(await problemOf(response)).toEqual([401, 'auth/bad-token'])
    })

    it('no token in a query, a cookie or without its scheme', async () => {
      for (const [path, headers] of [
        [`/api/runs?token=${PEOPLE}`, {}],
        ['/api/runs', { cookie: `token=${PEOPLE}` }],
        ['/api/runs', { authorization: PEOPLE }],
        ['/api/runs', { authorization: `Basic ${PEOPLE}` }],
      ] as const)
        expect((await call(['GET', path], { headers })).status).toBe(401)
    })

    it('nobody who has failed too often', async () => {
      const guess = () =>
        call(['POST', '/api/sign-in'], { body: JSON.stringify({ code: 'AAAA-BBBB-CCCC' }) })
      for (let tries = 0; tries < 300; tries += 30) {
        const answers = await Promise.all(Array.from({ length: 30 }, guess))
        for (const { status } of answers) expect(status).toBe(401)
      }
      expect(await problemOf(await guess())).toEqual([429, 'auth/too-many-tries'])
    })
  })

  describe('refuses', () => {
    it.each([
      ['an unknown route', ['GET', '/api/nothing'], undefined, 404, 'http/not-found'],
      ['a route of another method', ['DELETE', '/api/runs'], undefined, 404, 'http/not-found'],
      [
        'a path that cannot be decoded',
        ['GET', '/api/runs/%E0%A4%A'],
        undefined,
        400,
        'message/malformed',
      ],
      [
        'a run id that is none',
        ['GET', '/api/runs/..%2f..%2fetc'],
        undefined,
        404,
        'run/not-found',
      ],
      [
        'a run that is not there',
        ['GET', `/api/runs/${RUN}/events`],
        undefined,
        404,
        'run/not-found',
      ],
      ['a node id that is none', ['POST', '/api/nodes/x/revoke'], '{}', 404, 'http/not-found'],
      [
        'a node that is not there',
        ['POST', '/api/nodes/node-000000000000/revoke'],
        '{}',
        404,
        'http/not-found',
      ],
      ['a body that is not JSON', ['POST', '/api/runs'], '{', 400, 'message/malformed'],
      ['a body without the key', ['POST', '/api/runs'], '{}', 400, 'message/malformed'],
      [
        'a body with another key',
        ['POST', '/api/nodes/invite'],
        '{"minutes":1,"role":"admin"}',
        400,
        'message/malformed',
      ],
      ['a body that is a list', ['POST', '/api/nodes/invite'], '[]', 400, 'message/malformed'],
      [
        'an operator where text belongs',
        ['POST', '/api/sign-in'],
        '{"code":{"$ne":null}}',
        400,
        'message/malformed',
      ],
      [
        'a prototype',
        ['POST', '/api/nodes/invite'],
        '{"__proto__":{"minutes":1}}',
        400,
        'message/malformed',
      ],
      [
        'a constructor',
        ['POST', '/api/runs'],
        '{"config":{"constructor":{"prototype":{}}}}',
        400,
        'message/malformed',
      ],
      [
        'a body beyond the limit',
        ['POST', '/api/runs'],
        `{"config":"${'x'.repeat(70_000)}"}`,
        400,
        'message/malformed',
      ],
      [
        'a wait that is too long',
        ['GET', `/api/runs/${RUN}/events?wait=1e9`],
        undefined,
        400,
        'message/malformed',
      ],
      [
        'a configuration that cannot be',
        ['POST', '/api/runs'],
        '{"config":{"rounds":"many"}}',
        400,
        'config/invalid',
      ],
    ] as const)('%s', async (_what, target, body, status, code) => {
      const response = await call(target, {
        token: PEOPLE,
        ...(body === undefined ? {} : { body }),
      })
      expect(await problemOf(response)).toEqual([status, code])
      expect(onError).not.toHaveBeenCalled()
    })

    it('an error of its own without telling what it was, except to the log', async () => {
      const task = { inputShape: [4], classes: ['a', 'b'] }
      const body = JSON.stringify({ config: { task } })
      const response = await call(['POST', '/api/runs'], { token: PEOPLE, body })
      const text = await response.text()
      expect(response.status).toBe(500)
      expect(text).toContain('internal/bug')
      expect(text).not.toContain('secret of the disk')
      expect(onError).toHaveBeenCalledOnce()
    })
  })

  it('tells what it is, with headers that keep browsers careful', async () => {
    const response = await call(['GET', '/'])
    expect(await response.text()).toContain('Tributary')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.has('x-powered-by')).toBe(false)
    const answer = await call(['GET', '/api/status'])
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'")
    const status = await answer.json()
    expect(HTTP_API['GET /api/status'].answer.parse(status)).toMatchObject({
      nodesOnline: 0,
      runs: 0,
    })
  })

  it('starts a run with a complete configuration', async () => {
    const created = vi.fn<RunManager['create']>().mockResolvedValue(RUN as never)
    create = created
    const task = { inputShape: [4], classes: ['a', 'b'] }
    const response = await call(['POST', '/api/runs'], {
      token: PEOPLE,
      body: JSON.stringify({ config: { task } }),
    })
    expect(await response.json()).toEqual({ runId: RUN })
    expect(created.mock.calls[0]?.[0]).toMatchObject({ rounds: 10, method: { name: 'fedavg' } })
  })

  it('serves the schema of configurations with every method by name', async () => {
    const response = await call(['GET', '/api/schema/run-config'], { token: PEOPLE })
    const text = await response.text()
    for (const name of Object.keys(configCatalogue().methods)) expect(text).toContain(`"${name}"`)
  })

  it('lists nodes as the protocol says', async () => {
    const nodes: unknown = await (await call(['GET', '/api/nodes'], { token: PEOPLE })).json()
    expect(HTTP_API['GET /api/nodes'].answer.parse(nodes).nodes).toMatchObject([
      { nodeId: NODE, name: 'a', online: false, task: null },
    ])
    expect(JSON.stringify(nodes)).not.toContain('secret')
  })

  it('lets a node in with what an invitation gave it', async () => {
    const body = (value: object) => ({ body: JSON.stringify(value) })
    const invited = await call(['POST', '/api/nodes/invite'], {
      token: PEOPLE,
      ...body({ minutes: 5 }),
    })
    const { code, expiresAt } = HTTP_API['POST /api/nodes/invite'].answer.parse(
      await invited.json(),
    )
    expect(expiresAt).toBe('1970-01-01T00:05:00.000Z')
    const identity = await enrolWithCode(base, code, 'b')
    const token = await tokenOf(base, identity)
    expect(tokens.verify(token, 'fl-client').subject).toBe(identity.nodeId)
    await call(['POST', `/api/nodes/${identity.nodeId}/revoke`], { token: PEOPLE, ...body({}) })
    await expect(tokenOf(base, identity)).rejects.toMatchObject({ code: 'auth/bad-token' })
  })

  describe('blobs', () => {
    const bytes = Buffer.from('0123456789')
    let path: string
    beforeEach(async () => {
      const hash = await store.blobs.put(bytes)
      readable.add(hash)
      path = `/api/blobs/${hash}`
    })
    const get = (headers: object = {}, token = NODES) => call(['GET', path], { token, headers })

    it('come whole, and are counted', async () => {
      const response = await get()
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
      expect(response.headers.get('content-length')).toBe('10')
      await expect.poll(() => served).toEqual([10])
    })
    it.each([
      ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
      ['bytes=2-5', 206, '2345', 'bytes 2-5/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=8-100', 206, '89', 'bytes 8-9/10'],
      ['bytes=10-', 416, '', 'bytes */10'],
      ['bytes=0-1,4-5', 200, '0123456789', null],
      ['lines=0-1', 200, '0123456789', null],
      ['nonsense', 200, '0123456789', null],
    ])('answer the range %s', async (range, status, text, contentRange) => {
      const response = await get({ range })
      expect([response.status, await response.text()]).toEqual([status, text])
      expect(response.headers.get('content-range')).toBe(contentRange)
    })
    it('are not sent again to who has them', async () => {
      const etag = (await get()).headers.get('etag') ?? ''
      expect((await get({ 'if-none-match': etag })).status).toBe(304)
      expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
    })
    it('of someone else are as if they were not there', async () => {
      const other = await store.blobs.put(Buffer.from('model of another run'))
      const [foreign, absent, traversal] = await Promise.all([
        call(['GET', `/api/blobs/${other}`], { token: NODES }),
        call(['GET', `/api/blobs/${'0'.repeat(64)}`], { token: NODES }),
        call(['GET', '/api/blobs/..%2ftributary.db'], { token: NODES }),
      ])
      const told = async (response: Response): Promise<unknown> =>
        ((await response.json()) as { problem: unknown }).problem
      expect(await told(foreign)).toEqual(await told(absent))
      expect([foreign.status, traversal.status]).toEqual([404, 404])
    })
  })

  it('takes a bundle in pieces, and no piece that is too large', async () => {
    const [bytes, hash] = [Buffer.from('0123456789'), sha256('0123456789')]
    const put = (body: Buffer, range: string): Promise<Response> =>
      call(['PUT', `/api/blobs/${hash}`], {
        ...{ token: PEOPLE, body },
        headers: { 'content-range': range },
      })
    const { answer } = HTTP_API['PUT /api/blobs/:hash']
    const first = await put(bytes.subarray(0, 6), 'bytes 0-5/10')
    expect(answer.parse(await first.json())).toEqual({ received: 6 })
    await put(bytes.subarray(6), 'bytes 6-9/10')
    expect(await store.blobs.get(hash)).toEqual(bytes)
    const large = await put(Buffer.alloc(BLOB_PIECE_BYTES + 1), 'bytes 0-9/10')
    expect(await problemOf(large)).toEqual([400, 'message/malformed'])
  })
})
