import { FederationError, isErrorCode } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { BlobRef } from '#protocol/blob-ref.js'

export interface Credential {
  readonly nodeId: string
  readonly secret: string
}

async function call(url: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (cause) {
    const { origin } = new URL(url)
    throw new FederationError('coordinator/unreachable', `No coordinator answers at ${origin}`, {
      cause,
    })
  }
  if (response.ok) return response
  throw problemOf(await response.text(), response.status)
}

function problemOf(text: string, status: number): FederationError {
  try {
    const { problem } = JSON.parse(text) as { problem: { code: string; message: string } }
    if (isErrorCode(problem.code)) return new FederationError(problem.code, problem.message)
  } catch (cause) {
    const message = `HTTP ${status}, not from a coordinator`
    return new FederationError('coordinator/unreachable', message, { cause })
  }
  return new FederationError('coordinator/unreachable', `HTTP ${status}`)
}

async function post<T>(base: string, path: string, body: object): Promise<T> {
  const response = await call(new URL(path, base).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as T
}

/** Exchanges a one-time code for this node's own credential. */
export const enrol = (url: string, code: string, name: string): Promise<Credential> =>
  post(url, '/api/enrol', { code, name })

/** A short access token. `auth/bad-token` when the node is unknown or revoked. */
export const fetchToken = (
  url: string,
  { nodeId, secret }: Credential,
): Promise<{ readonly token: string; readonly expiresInSeconds: number }> =>
  post(url, '/api/token', { nodeId, secret })

/** The bytes of a blob, checked against their address. */
export async function fetchBlob(
  url: string,
  token: string,
  { hash, bytes }: BlobRef,
): Promise<Uint8Array> {
  const response = await call(new URL(`/api/blobs/${hash}`, url).href, {
    headers: { authorization: `Bearer ${token}` },
  })
  const received = new Uint8Array(await response.arrayBuffer())
  if (received.length !== bytes || sha256(received) !== hash) {
    throw new FederationError(
      'asset/corrupt',
      `Blob ${hash} arrived as ${received.length} other bytes`,
    )
  }
  return received
}
