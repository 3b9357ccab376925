import { FederationError, isErrorCode } from '#protocol/errors.js'
import { HTTP_API } from '#protocol/http-api.js'
import { sha256 } from '#protocol/ids.js'
import { enrolmentText, proofText, publicKeyOf, sign, type ProofPurpose } from '#protocol/proof.js'
import type { BlobRef } from '#protocol/blob-ref.js'
import { certificateProblem, coordinatorFetch } from './trust.js'

/** What a node shows itself with. */
export interface Identity {
  readonly nodeId: string
  /** Never leaves this process: only what it signs does. */
  readonly privateKey: string
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
    response = await coordinatorFetch(url, init)
    body = new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    throw (
      certificateProblem(url.origin, cause) ??
      unreachable(`No coordinator answers at ${url.origin}`, cause)
    )
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

type Posted = 'POST /api/enrol' | 'POST /api/challenge' | 'POST /api/token' | 'POST /api/node-key'
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

/**
 * Exchanges a one-time code for the right to come in with a key. Again with the same key and code gives the same node.
 * `auth/bad-code`, `auth/expired-code`.
 */
export function enrol(
  url: string,
  { code, name, privateKey }: { code: string; name: string; privateKey: string },
  signal: AbortSignal,
): Promise<{ readonly nodeId: string }> {
  const enrolment = { code, name, publicKey: publicKeyOf(privateKey) }
  const proof = sign(enrolmentText(enrolment), privateKey)
  return post('POST /api/enrol', url, { body: { ...enrolment, proof }, signal })
}

/** A short access token. `auth/bad-token` when the node is unknown or revoked, or has another key by now. */
export async function fetchToken(
  url: string,
  { nodeId, privateKey }: Identity,
  signal: AbortSignal,
): Promise<{ readonly token: string; readonly expiresInSeconds: number }> {
  const purpose = 'token'
  const { challenge } = await fetchChallenge(url, { nodeId, purpose }, signal)
  const signature = sign(proofText({ challenge, nodeId, purpose }), privateKey)
  return post('POST /api/token', url, { body: { nodeId, challenge, signature }, signal })
}

/**
 * Replaces the node's key, by right of the one that it has or of the secret that an older version gave it. `auth/bad-token`
 * when the coordinator does not take that.
 */
export async function replaceKey(
  url: string,
  { nodeId, from, to }: { nodeId: string; from: Omit<Identity, 'nodeId'> | Secret; to: string },
  signal: AbortSignal,
): Promise<void> {
  const purpose = 'new-key'
  const { challenge } = await fetchChallenge(url, { nodeId, purpose }, signal)
  const publicKey = publicKeyOf(to)
  const text = proofText({ challenge, nodeId, purpose, publicKey })
  const by = 'secret' in from ? { secret: from.secret } : { signature: sign(text, from.privateKey) }
  const body = { nodeId, challenge, publicKey, proof: sign(text, to), by }
  await post('POST /api/node-key', url, { body, signal })
}
interface Secret {
  readonly secret: string
}

const fetchChallenge = (
  url: string,
  body: { readonly nodeId: string; readonly purpose: ProofPurpose },
  signal: AbortSignal,
): Promise<{ readonly challenge: string }> => post('POST /api/challenge', url, { body, signal })

/** With which the coordinator signs reports of privacy audits. */
export async function fetchAuditKey(url: string, signal: AbortSignal): Promise<string> {
  const address = new URL('/api/status', url)
  const answer = await call(address, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })
  try {
    return HTTP_API['GET /api/status'].answer.parse(parseJson(answer)).auditKey
  } catch (cause) {
    throw unreachable(
      `What answers at ${address.origin} is not a coordinator of this version`,
      cause,
    )
  }
}

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
