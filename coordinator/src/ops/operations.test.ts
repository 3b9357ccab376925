import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { createLog } from './log.js'
import { readMonitoringToken } from './operations.js'

type Options = Parameters<typeof startCoordinator>[0]
const TOKEN = 'monitoring-token-of-tests'

describe('a coordinator, to whoever supervises it', () => {
  let directory: string
  let dataDir: string
  let coordinator: CoordinatorHandle | null
  let logged: string
  const start = async (options: Partial<Options> = {}): Promise<CoordinatorHandle> => {
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        logged += chunk.toString()
        done()
      },
    })
    coordinator = await startCoordinator({
      ...{ dataDir, port: 0, log: createLog('debug', sink) },
      vault: { masterKeyFile: join(directory, 'master-key') },
      compute: (store) => new FakeCompute(store.blobs),
      ...options,
    })
    return coordinator
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${coordinator!.url}${path}`, { headers })
  const operatorToken = async (): Promise<string> => {
    const text = await readFile(join(dataDir, 'operator.json'), 'utf8')
    return (JSON.parse(text) as { token: string }).token
  }
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-operations-'))
    dataDir = join(directory, 'data')
    ;[coordinator, logged] = [null, '']
  })
  afterEach(async () => {
    await coordinator?.stop()
    await rm(directory, { recursive: true })
  })

  it('says that it lives, that it is ready, and why not', async () => {
    await start()
    expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' })
    const ready = await get('/readyz')
    expect(ready.status).toBe(200)
    const { checks } = (await ready.json()) as { checks: { name: string; ok: boolean }[] }
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['started', true],
      ['accepting', true],
      ['store', true],
      ['disk', true],
    ])
  })

  it('lets metrics be read on this machine, and elsewhere with the token only', async () => {
    const file = join(directory, 'token')
    await writeFile(file, `${TOKEN}\n`)
    await start({ monitoringTokenFile: file })
    const elsewhere = { 'x-forwarded-for': '198.51.100.7' }
    expect((await get('/metrics')).status).toBe(200)
    for (const headers of [
      elsewhere,
      { forwarded: 'for=198.51.100.7' },
      { ...elsewhere, authorization: 'Bearer wrong' },
      { ...elsewhere, authorization: `Bearer ${await operatorToken()}` },
    ])
      expect((await get('/metrics', headers)).status).toBe(403)
    const allowed = await get('/metrics', { ...elsewhere, authorization: `Bearer ${TOKEN}` })
    expect(allowed.headers.get('content-type')).toContain('text/plain')
    expect(await allowed.text()).toContain('tributary_ready 1')
  })

  it('takes no monitoring token that could be guessed', async () => {
    const file = join(directory, 'token')
    for (const text of ['', 'short', 'two words of some length']) {
      await writeFile(file, text)
      await expect(readMonitoringToken(file)).rejects.toMatchObject({ code: 'usage/bad-value' })
    }
    const absent = readMonitoringToken(join(directory, 'absent'))
    await expect(absent).rejects.toMatchObject({ code: 'config/unreadable' })
  })

  it('counts by route, never by what somebody made up', async () => {
    await start()
    await get('/api/runs/run-abcdefabcdef?x=secret')
    await get('/api/made-up/by-a-peer')
    await fetch(`${coordinator!.url}/x`, { method: 'PROPFIND' })
    const text = await (await get('/metrics')).text()
    expect(text).toContain('{method="GET",route="/api/runs/:id",status="401"} 1')
    expect(text).toContain('{method="GET",route="other",status="404"} 1')
    expect(text).toContain('{method="other",route="other",status="404"} 1')
    expect(text).not.toMatch(/made-up|abcdef|secret|PROPFIND/)
    expect(text).toMatch(/^tributary_store_free_bytes [1-9]/m)
    expect(text).not.toMatch(/^tributary_tls_expiry_timestamp_seconds \d/m)
  })

  it('names every request in the answer and in the log, and tells no secret there', async () => {
    await start()
    const token = await operatorToken()
    const response = await get('/api/runs?token=abc', { authorization: `Bearer ${token}x` })
    const body = (await response.json()) as { requestId: string }
    expect(response.headers.get('x-request-id')).toBe(body.requestId)
    await expect.poll(() => logged).toContain(body.requestId)
    expect(logged).not.toContain(token)
    expect(logged).not.toContain('abc')
    for (const line of logged.trimEnd().split('\n')) JSON.parse(line)
  })

  it('takes so many requests of one person at a time', async () => {
    await start({ serverLimits: { requestsPerSubject: 2 } })
    const authorization = `Bearer ${await operatorToken()}`
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => get('/api/runs', { authorization })),
    )
    const statuses = new Set(answers.map(({ status }) => status))
    expect(statuses).toContain(200)
    expect([...statuses].every((status) => status === 200 || status === 429)).toBe(true)
    // None is counted any more when all are answered.
    expect((await get('/api/runs', { authorization })).status).toBe(200)
  })

  it('lets a request finish when it is told to stop, and begins no other', async () => {
    const running = await start()
    const { url } = running
    const request = httpRequest(`${url}/api/sign-in`, { method: 'POST' })
    request.flushHeaders()
    request.write('{"code":')
    const kept = httpRequest(`${url}/healthz`, {
      agent: false,
      headers: { expect: '100-continue' },
    })
    kept.end()
    await once(kept, 'response')
    const stopped = running.stop()
    const answered = once(request, 'response')
    request.end('"AAAA-BBBB-CCCC"}')
    const [response] = (await answered) as [{ statusCode: number }]
    expect([401, 503]).toContain(response.statusCode)
    await stopped
    coordinator = null
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    expect(logged).toContain('Coordinator stopped')
  })

  it('serves over TLS, with the fingerprint that it tells', async () => {
    const { url, fingerprint } = await start({ tls: 'self-signed' })
    expect(url).toMatch(/^https:/)
    const ca = await readFile(join(dataDir, 'tls', 'certificate.pem'))
    const request = tlsRequest(`${url}/metrics`, { ca }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const text = Buffer.concat(await response.toArray()).toString()
    expect(text).toMatch(/^tributary_tls_expiry_timestamp_seconds [1-9]/m)
    const operator = JSON.parse(await readFile(join(dataDir, 'operator.json'), 'utf8')) as object
    expect(operator).toMatchObject({ url, fingerprint })
  })

  it('does not serve other machines in the clear, and touches nothing before it says so', async () => {
    const refused = start({ host: '0.0.0.0' })
    await expect(refused).rejects.toMatchObject({ code: 'tls/required', exitCode: 2 })
    await expect(access(dataDir)).rejects.toThrow()
    const { url } = await start({ host: '0.0.0.0', insecure: true })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})
