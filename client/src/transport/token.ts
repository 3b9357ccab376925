import { FederationError } from '#protocol/errors.js'
import { fetchToken, type Identity } from './http.js'

const MARGIN_MS = 60_000

/** The node's access token: fetched when there is none, or it ends soon. */
export class AccessToken {
  readonly #fetch: () => Promise<{ readonly token: string; readonly expiresInSeconds: number }>
  #held: { readonly value: string; readonly until: number } | null = null
  /** Whoever asks meanwhile gets the same: a coordinator that is slow is not asked twice. */
  #coming: Promise<string> | null = null

  constructor(url: string, identity: Identity, signal: AbortSignal) {
    this.#fetch = () => fetchToken(url, identity, signal)
  }

  /** Throws `auth/bad-token` when the coordinator does not know this node, or no longer: no later try will do. */
  async get(): Promise<string> {
    if (this.#held !== null && this.#held.until > performance.now()) return this.#held.value
    this.#coming ??= this.#renew().finally(() => (this.#coming = null))
    return this.#coming
  }
  /** The coordinator does not take it any more: clocks jump, and secrets change. */
  drop(): void {
    this.#held = null
  }
  async #renew(): Promise<string> {
    const { token, expiresInSeconds } = await this.#fetch().catch(explained)
    this.#held = { value: token, until: performance.now() + expiresInSeconds * 1000 - MARGIN_MS }
    return token
  }
}

function explained(cause: unknown): never {
  if (!(cause instanceof FederationError) || cause.code !== 'auth/bad-token') throw cause
  const message =
    'The coordinator does not know this node, or has revoked it; join again with --code and a new invitation'
  throw new FederationError('auth/bad-token', message, { cause })
}
