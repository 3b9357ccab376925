import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import {
  BLOB_PIECE_BYTES,
  parseAnswer,
  refusalSchema,
  type HttpAnswer,
  type HttpCall,
} from '#protocol/http-api.js'
import { unwrap } from '#protocol/result.js'
import { explained, fixedAccess, type Access } from './access.js'
import { certificateProblem, coordinatorFetch } from '#client/transport/trust.js'

export interface CallInput {
  /** For the `:id` of the path. */
  readonly id?: string
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: object
  readonly signal?: AbortSignal
}
/** The coordinator's HTTP API as the signed-in person sees it. Everything throws the coordinator's own error. */
export interface Api {
  readonly url: string
  /** Answers are checked against the schema of the call. */
  call<Name extends HttpCall>(name: Name, input?: CallInput): Promise<HttpAnswer<Name>>
  /** The encoded bundle of a run's model. */
  model(runId: string): Promise<Uint8Array>
  /** The encoded bundle that a run started from. */
  start(runId: string): Promise<Uint8Array>
  /** Brings a bundle for runs to start from, piece by piece, unless the coordinator has it. */
  upload(hash: Hash, bytes: Uint8Array): Promise<void>
}

/** Calls with a token, or with what `Access` has; a token that has ended is renewed once. */
export function createApi(url: string, from: string | null | Access): Api {
  const access = typeof from === 'string' || from === null ? fixedAccess(from) : from
  const send = (address: URL, init: RequestInit = {}): Promise<Response> =>
    withAccess(access, url, (authorization) =>
      request(address, { ...init, headers: { ...(init.headers as object), ...authorization } }),
    )
  const bytesAt = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await send(new URL(path, url))).arrayBuffer())
  return {
    url,
    call: async (name, { id = '', query = {}, body, signal } = {}) => {
      const [method = '', path = ''] = name.split(' ')
      const address = new URL(path.replace(':id', encodeURIComponent(id)), url)
      for (const [key, value] of Object.entries(query)) address.searchParams.set(key, String(value))
      const response = await send(address, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
        ...(signal === undefined ? {} : { signal }),
      })
      return unwrap(parseAnswer(name, await jsonOf(response)))
    },
    model: (runId) => bytesAt(`/api/runs/${encodeURIComponent(runId)}/model`),
    start: (runId) => bytesAt(`/api/runs/${encodeURIComponent(runId)}/start`),
    upload: async (hash, bytes) => {
      const address = new URL(`/api/blobs/${hash}`, url)
      for (let start = 0; start < bytes.length;) {
        const end = Math.min(start + BLOB_PIECE_BYTES, bytes.length)
        const response = await send(address, {
          method: 'PUT',
          headers: { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` },
          body: bytes.slice(start, end),
        })
        const answer = unwrap(parseAnswer('PUT /api/blobs/:hash', await jsonOf(response)))
        start = answer.received
      }
    },
  }
}

const isRefusal = (error: unknown): error is FederationError =>
  error instanceof FederationError && error.code === 'auth/bad-token'

async function withAccess(
  access: Access,
  url: string,
  call: (authorization: Readonly<Record<string, string>>) => Promise<Response>,
): Promise<Response> {
  const attempt = async (): Promise<Response> => {
    const token = await access.token()
    return call(token === null ? {} : { authorization: `Bearer ${token}` })
  }
  try {
    return await attempt()
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (!(await access.renew())) throw explained(error, access, url)
  }
  return attempt()
}

const unreachable = (message: string, cause?: unknown): FederationError =>
  new FederationError('coordinator/unreachable', message, { cause })

async function request(url: URL, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await coordinatorFetch(url, init)
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause
    throw (
      certificateProblem(url.origin, cause) ??
      unreachable(`No coordinator answers at ${url.origin}`, cause)
    )
  }
  if (response.ok) return response
  const refusal = refusalSchema.safeParse(await jsonOf(response))
  if (!refusal.success)
    throw unreachable(`HTTP ${response.status} from ${url.origin}`, refusal.error)
  throw new FederationError(refusal.data.problem.code, refusal.data.problem.message)
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    throw unreachable(`HTTP ${response.status} from ${response.url}, not from a coordinator`, cause)
  }
}
