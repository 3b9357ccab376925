/** Which certificate a coordinator may show: reliability specification §2, A8, and the platform's `--fingerprint`. */
import { Agent as HttpsAgent, type RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Agent, buildConnector, fetch as fetchWith, type RequestInit as UndiciInit } from 'undici'
import { FederationError } from '#protocol/errors.js'

/** Without either, the authorities that this machine knows decide. */
export interface Trust {
  /** SHA-256 of certificates, any of which the coordinator may show. They decide alone: names and dates do not matter. */
  readonly fingerprints?: readonly string[]
  /** Certificates (PEM) of authorities, instead of those that this machine knows. */
  readonly ca?: string
}
interface Trusted {
  readonly trust: Trust
  readonly dispatcher: Agent
  readonly agent: HttpsAgent
}

/** By origin. Of the whole process, as the authorities of Node.js are. */
const trusted = new Map<string, Trusted>()

/** `AA:BB:…` of a SHA-256 that was typed with or without colons. Throws `usage/bad-value`. */
export function normalFingerprint(text: string): string {
  const digits = text
    .trim()
    .replace(/^sha-?256[:= ]/i, '')
    .replaceAll(':', '')
    .toUpperCase()
  if (!/^[0-9A-F]{64}$/.test(digits)) {
    const message = `Expected a SHA-256 fingerprint, 64 hexadecimal digits with or without colons, got '${text.slice(0, 200)}'`
    throw new FederationError('usage/bad-value', message)
  }
  return (digits.match(/../g) ?? []).join(':')
}

/**
 * From now on this process talks to the coordinator at `url` only if its certificate is as `trust` says; the latest word
 * counts. Throws `usage/bad-value` when there is something to trust but the address is not encrypted.
 */
export function trustCoordinator(url: string, trust: Trust): void {
  const { origin, protocol } = new URL(url)
  const fingerprints = (trust.fingerprints ?? []).map(normalFingerprint)
  if (fingerprints.length === 0 && trust.ca === undefined) {
    forget(origin)
    return
  }
  if (protocol !== 'https:') {
    const message = `A fingerprint or an authority needs an address that begins with https://, got '${url}'`
    throw new FederationError('usage/bad-value', message)
  }
  forget(origin)
  trusted.set(origin, {
    trust: { ...trust, fingerprints },
    dispatcher: new Agent({ connect: pinned(origin, fingerprints, trust) }),
    agent: new PinningAgent(origin, fingerprints, trust),
  })
}
/** What was said about the coordinator at `url`. */
export const trustOf = (url: string): Trust => trusted.get(new URL(url).origin)?.trust ?? {}
/** For the socket; undefined: the usual one. */
export const agentFor = (url: string): HttpsAgent | undefined =>
  trusted.get(new URL(url).origin)?.agent

/** `fetch`, but nothing is sent to a coordinator before its certificate was found to be as `trustCoordinator` said. */
export function coordinatorFetch(url: URL, init: RequestInit): Promise<Response> {
  const known = trusted.get(url.origin)
  if (known === undefined) return fetch(url, init)
  const { dispatcher } = known
  // The same options, declared twice: by Node.js and by the package that its fetch is made of.
  return fetchWith(url, {
    ...(init as object as UndiciInit),
    dispatcher,
  })
}

const UNKNOWN_CERTIFICATE = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])
/** What is wrong with the coordinator's certificate, if that is why a connection failed, else null. No later try cures it. */
export function certificateProblem(url: string, thrown: unknown): FederationError | null {
  for (const cause of causesOf(thrown)) {
    if (cause instanceof FederationError && cause.code === 'tls/certificate-changed') return cause
    const code = 'code' in cause ? String(cause.code) : ''
    if (UNKNOWN_CERTIFICATE.has(code)) {
      const message = `Nothing vouches for the certificate of ${new URL(url).origin} (${code})`
      return new FederationError('tls/certificate-unknown', message, { cause })
    }
  }
  return null
}

/** An error, what caused it, and so on; sockets keep theirs in an event. */
function causesOf(thrown: unknown): readonly Error[] {
  const found: Error[] = []
  for (let next = thrown; next instanceof Error && !found.includes(next);) {
    found.push(next)
    const { cause, description } = next as { cause?: unknown; description?: unknown }
    next = cause ?? (description as { error?: unknown } | undefined)?.error
  }
  return found
}

function forget(origin: string): void {
  const known = trusted.get(origin)
  trusted.delete(origin)
  known?.agent.destroy()
  void known?.dispatcher.close()
}

/** With a pin nothing else decides: the certificate is judged by `judge`, after the handshake and before the first byte. */
const tlsOptions = (
  fingerprints: readonly string[],
  { ca }: Trust,
): { readonly rejectUnauthorized?: boolean; readonly ca?: string } =>
  fingerprints.length > 0 ? { rejectUnauthorized: false } : { ...(ca === undefined ? {} : { ca }) }

function judge(
  origin: string,
  fingerprints: readonly string[],
  socket: TLSSocket,
): FederationError | null {
  if (fingerprints.length === 0) return null
  const shown = socket.getPeerCertificate().fingerprint256
  if (fingerprints.includes(shown)) return null
  const message = `The certificate of ${origin} has the fingerprint ${shown}, not ${fingerprints.join(' or ')} as this machine was told`
  return new FederationError('tls/certificate-changed', message)
}

function pinned(
  origin: string,
  fingerprints: readonly string[],
  trust: Trust,
): buildConnector.connector {
  // Without resumed sessions every connection shows its certificate.
  const connector = buildConnector({ ...tlsOptions(fingerprints, trust), maxCachedSessions: 0 })
  return (options, callback) => {
    connector(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      const problem = judge(origin, fingerprints, socket as TLSSocket)
      if (problem === null) return callback(null, socket)
      socket.destroy()
      callback(problem, null)
    })
  }
}

type Created = (error: Error | null, stream: Duplex) => void

/** Hands a connection over only when its certificate was judged. */
class PinningAgent extends HttpsAgent {
  readonly #origin: string
  readonly #fingerprints: readonly string[]
  readonly #trust: Trust

  constructor(origin: string, fingerprints: readonly string[], trust: Trust) {
    super({ maxCachedSessions: 0 })
    this.#origin = origin
    this.#fingerprints = fingerprints
    this.#trust = trust
  }

  override createConnection(
    options: RequestOptions,
    created: Created = () => undefined,
  ): undefined {
    const merged = { ...options, ...tlsOptions(this.#fingerprints, this.#trust) }
    const socket = connectTls(merged as ConnectionOptions)
    const fail = (error: Error): void => created(error, socket)
    socket.once('error', fail)
    socket.once('secureConnect', () => {
      socket.off('error', fail)
      const problem = judge(this.#origin, this.#fingerprints, socket)
      if (problem === null) return created(null, socket)
      socket.destroy()
      created(problem, socket)
    })
  }
}
