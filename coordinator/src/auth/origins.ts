import { FederationError } from '#protocol/errors.js'

/** Names under which a browser on the same machine may have opened an address. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Which pages may write, and open sockets, in the name of who sits before them: those that the coordinator itself serves.
 * Browsers send along where a page came from; programs do not. Reliability specification §2, T15.
 */
export class Origins {
  readonly #allowed = new Set<string>()

  /** The address at which the coordinator serves, or another under which people reach it. Throws `usage/bad-value`. */
  allow(address: string): void {
    if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
      const message = `Expected an origin like https://host:7400, got '${address}'`
      throw new FederationError('usage/bad-value', message)
    }
    const { origin, protocol, hostname, port } = new URL(address)
    this.#allowed.add(origin)
    if (!LOOPBACK.includes(hostname)) return
    for (const name of LOOPBACK)
      this.#allowed.add(new URL(`${protocol}//${name}${port === '' ? '' : `:${port}`}`).origin)
  }

  /**
   * Throws `auth/forbidden` for a page that is not ours. Where the request brings nothing but a cookie, which browsers send
   * along by themselves, the page must be named.
   */
  assertAllowed(
    origin: string | undefined,
    { isByCookie }: { readonly isByCookie: boolean },
  ): void {
    if (origin === undefined && !isByCookie) return
    if (origin !== undefined && this.#allowed.has(origin)) return
    throw new FederationError(
      'auth/forbidden',
      `Pages of ${origin === undefined ? 'an unnamed origin' : origin.slice(0, 200)} may not do this; an administrator can allow it with coordinator start --origin`,
    )
  }
}
