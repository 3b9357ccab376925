import { describe, expect, it, vi } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { Api } from './api.js'

type Fetch = typeof fetch
const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status })
const SESSION = { name: 'anna', role: 'viewer', csrfToken: 'token-1' }
/** Who answers each call in turn, and what was asked. */
function answering(...answers: readonly (Response | Error)[]): {
  readonly fetch: Fetch
  readonly asked: Request[]
} {
  const asked: Request[] = []
  const left = [...answers]
  const fetch: Fetch = (input, init) => {
    asked.push(new Request(new URL(input, 'http://here'), init))
    const answer = left.shift() ?? new Error('no answer left')
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return { fetch, asked }
}
const problem = (code: string): unknown => ({ problem: { code, message: 'No' }, requestId: 'r' })
const codeOf = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error instanceof FederationError ? error.code : String(error)
}

describe('the API as pages see it', () => {
  it('fills in addresses, and leaves out of a query what is not asked', async () => {
    const { fetch, asked } = answering(json(200, { events: [] }))
    const api = new Api({ fetch })
    const params = { id: 'run/../1' }
    await api.call('GET /api/runs/:id/events', { params, query: { after: 3, wait: undefined } })
    expect(asked[0]?.url).toBe('http://here/api/runs/run%2F..%2F1/events?after=3')
  })
  it('sends along with what changes something what the session was given, and with nothing else', async () => {
    const { fetch, asked } = answering(json(200, SESSION), json(200, {}), json(200, { runs: [] }))
    const api = new Api({ fetch })
    await api.call('GET /api/session')
    await api.call('POST /api/runs/:id/stop', { params: { id: 'run-1' } })
    await api.call('GET /api/runs')
    expect(asked.map(({ headers }) => headers.get('x-csrf-token'))).toEqual([null, 'token-1', null])
    expect(await asked[1]?.json()).toEqual({})
  })
  it('throws what the coordinator refuses, and asks who this is when it no longer knows', async () => {
    const { fetch } = answering(
      json(403, problem('auth/forbidden')),
      json(401, problem('auth/bad-token')),
    )
    const onUnknown = vi.fn(() => Promise.resolve(false))
    const api = new Api({ fetch, onUnknown })
    expect(await codeOf(api.call('GET /api/runs'))).toBe('auth/forbidden')
    expect(onUnknown).not.toHaveBeenCalled()
    expect(await codeOf(api.call('GET /api/runs'))).toBe('auth/bad-token')
    expect(onUnknown).toHaveBeenCalledOnce()
  })
  it('makes a call again once somebody signed in again, with what the new session was given, and no third time', async () => {
    const { fetch, asked } = answering(
      json(401, problem('auth/sign-in-again')),
      json(200, SESSION),
      json(200, {}),
      ...[json(401, problem('auth/bad-token')), json(401, problem('auth/bad-token'))],
    )
    const onUnknown = vi.fn(async () => {
      await api.call('GET /api/session')
      return true
    })
    const api: Api = new Api({ fetch, onUnknown })
    const body = { name: 'bo', role: 'viewer' } as const
    await codeOf(api.call('POST /api/users', { body }))
    expect(asked.map(({ url, headers }) => [url, headers.get('x-csrf-token')])).toEqual([
      ['http://here/api/users', null],
      ['http://here/api/session', null],
      ['http://here/api/users', 'token-1'],
    ])
    expect(await asked[2]?.json()).toEqual(body)
    onUnknown.mockImplementation(() => Promise.resolve(true))
    expect(await codeOf(api.call('GET /api/runs'))).toBe('auth/bad-token')
    expect(onUnknown).toHaveBeenCalledTimes(2)
  })
  it('asks nobody who wants to leave', async () => {
    const { fetch } = answering(json(401, problem('auth/bad-token')))
    const onUnknown = vi.fn(() => Promise.resolve(true))
    expect(await codeOf(new Api({ fetch, onUnknown }).call('POST /api/sign-out'))).toBe(
      'auth/bad-token',
    )
    expect(onUnknown).not.toHaveBeenCalled()
  })
  it('takes a proxy that answers in its stead, a connection that ends, and no connection for the same', async () => {
    const { fetch } = answering(
      new Response('<h1>Bad gateway</h1>', { status: 502 }),
      new Response('{"runs":['),
      new TypeError('Failed to fetch'),
    )
    const api = new Api({ fetch })
    for (let i = 0; i < 3; i += 1)
      expect(await codeOf(api.call('GET /api/runs'))).toBe('coordinator/unreachable')
  })
  it('refuses an answer that is none', async () => {
    const { fetch } = answering(json(200, { runs: [{ runId: '<script>' }] }))
    expect(await codeOf(new Api({ fetch }).call('GET /api/runs'))).toBe('message/malformed')
  })
  it('ends with what the page no longer waits for', async () => {
    const { fetch } = answering(new DOMException('Aborted', 'AbortError'))
    const signal = AbortSignal.abort()
    expect(await codeOf(new Api({ fetch }).call('GET /api/runs', { signal }))).toContain(
      'AbortError',
    )
  })
})
