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
  it('throws what the coordinator refuses, and tells when it no longer knows who this is', async () => {
    const problem = (code: string): unknown => ({
      problem: { code, message: 'No' },
      requestId: 'r',
    })
    const { fetch } = answering(
      json(403, problem('auth/forbidden')),
      json(401, problem('auth/bad-token')),
    )
    const onSignedOut = vi.fn()
    const api = new Api({ fetch, onSignedOut })
    expect(await codeOf(api.call('GET /api/runs'))).toBe('auth/forbidden')
    expect(onSignedOut).not.toHaveBeenCalled()
    expect(await codeOf(api.call('GET /api/runs'))).toBe('auth/bad-token')
    expect(onSignedOut).toHaveBeenCalledOnce()
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
