import { FederationError, isErrorCode } from '#protocol/errors.js'
import { HTTP_API } from '#protocol/http-api.js'
import { sha256 } from '#protocol/ids.js'
import type { BlobRef } from '#protocol/blob-ref.js'

export interface Credential {
  readonly nodeId: string
  readonly secret: string
}
/** A coordinator that has not answered a small request by then is not there. */
const ANSWER_MS = 30_000

const unreachable = (message: string, cause?: unknown): FederationError =>
  new FederationError('coordinator/unreachable', message, { cause })

/** One request, its body read to the end: a connection that breaks in the middle is `coordinator/unreachable` too. */
async function call(url: URL, init: RequestInit): Promise<Uint8Array> {
  let response: Response
  let body: Uint8Array
  try {
    response = await fetch(url, init)
    body = new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    throw unreachable(`No coordinator answers at ${url.origin}`, cause)
  }
  if (response.ok) return body
  throw problemOf(body, response.status)
}

const parseJson = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'))

function problemOf(body: Uint8Array, status: number): FederationError {
  try {
    const { problem } = parseJson(body) as { problem: { code: string; message: string } }
    if (isErrorCode(problem.code)) return new FederationError(problem.code, problem.message)
  } catch (cause) {
    return unreachable(`HTTP ${status}, not from a coordinator`, cause)
  }
  return unreachable(`HTTP ${status} with a problem that this version does not know`)
}

type Posted = 'POST /api/enrol' | 'POST /api/token'
type Answered<Name extends Posted> = ReturnType<(typeof HTTP_API)[Name]['answer']['parse']>

async function post<Name extends Posted>(
  name: Name,
  base: string,
  { body, signal }: { readonly body: object; readonly signal: AbortSignal },
): Promise<Answered<Name>> {
  const url = new URL(name.slice('POST '.length), base)
  const answer = await call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })
  try {
    return HTTP_API[name].answer.parse(parseJson(answer)) as Answered<Name>
  } catch (cause) {
    throw unreachable(`What answers at ${url.origin} is not a coordinator of this version`, cause)
  }
}

/** Exchanges a one-time code for this node's own credential. `auth/bad-code`, `auth/expired-code`. */
export const enrol = (
  url: string,
  body: { readonly code: string; readonly name: string },
  signal: AbortSignal,
): Promise<Credential> => post('POST /api/enrol', url, { body, signal })

/** A short access token. `auth/bad-token` when the node is unknown or revoked. */
export const fetchToken = (
  url: string,
  { nodeId, secret }: Credential,
  signal: AbortSignal,
): Promise<{ readonly token: string; readonly expiresInSeconds: number }> =>
  post('POST /api/token', url, { body: { nodeId, secret }, signal })

/** The bytes of a blob, checked against their address. */
export async function fetchBlob(
  { url, token, signal }: { url: string; token: string; signal: AbortSignal },
  { hash, bytes }: BlobRef,
): Promise<Uint8Array> {
  const headers = { authorization: `Bearer ${token}` }
  const received = await call(new URL(`/api/blobs/${hash}`, url), { headers, signal })
  if (received.length !== bytes || sha256(received) !== hash) {
    const message = `Blob ${hash} arrived as ${received.length} other bytes`
    throw new FederationError('asset/corrupt', message)
  }
  return received
}
