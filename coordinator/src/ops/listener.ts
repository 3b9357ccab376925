import { once } from 'node:events'
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { FederationError } from '#protocol/errors.js'
import type { TlsIdentity } from '#coordinator/tls/certificate.js'
import { isLoopback } from './connections.js'
import type { ServerLimits } from './limits.js'
import type { Operations } from './operations.js'

export interface ListenOptions {
  readonly app: RequestListener
  readonly host: string
  /** 0 chooses a free one. */
  readonly port: number
  /** Null: not encrypted. */
  readonly identity: TlsIdentity | null
  readonly ops: Operations
}
export interface Listener {
  readonly server: HttpServer
  /** That a command on this machine can use. */
  readonly url: string
  /** Takes no more connections; those that are there go on. */
  refuseNew(): void
  /** Ends every connection. */
  close(): Promise<void>
}

/** Tokens and updates do not cross a network in the clear unless somebody says so. Throws `tls/required`. */
export function assertEncrypted(
  host: string,
  how: { readonly isEncrypted: boolean; readonly insecure: boolean },
): void {
  if (how.isEncrypted || how.insecure || isLoopback(host)) return
  const message = `Listening on ${host} without TLS would send tokens and updates in the clear`
  throw new FederationError('tls/required', message)
}

/** Throws `coordinator/port-in-use` and `usage/bad-value`. */
export async function openListener(options: ListenOptions): Promise<Listener> {
  const { host, port, identity, ops } = options
  const server = createLimitedServer(options)
  ops.connections.watch(server)
  await listen(server, host, port)
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  const scheme = identity === null ? 'http' : 'https'
  let closed: Promise<unknown> | null = null
  const refuseNew = (): void => {
    closed ??= once(server, 'close')
    if (server.listening) server.close()
  }
  return {
    ...{ server, refuseNew },
    url: `${scheme}://${reachable(host)}:${actual}`,
    close: async () => {
      refuseNew()
      server.closeAllConnections()
      await closed
    },
  }
}

function createLimitedServer({ app, identity, ops }: ListenOptions): HttpServer {
  const { limits } = ops
  const settings = httpSettings(limits)
  const server =
    identity === null
      ? createServer(settings, app)
      : createTlsServer(
          {
            ...settings,
            ...{ cert: identity.cert, key: identity.key },
            minVersion: 'TLSv1.2',
            handshakeTimeout: limits.tlsHandshakeMs,
          },
          app,
        )
  server.timeout = limits.idleMs
  return server
}

/** Node.js waits a minute for a head and five for a request, and looks every thirty seconds: reliability specification §2, T11. */
const httpSettings = (limits: ServerLimits) => ({
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  connectionsCheckingInterval: limits.checkMs,
  keepAliveTimeout: limits.keepAliveMs,
  maxHeaderSize: limits.headerBytes,
})

async function listen(server: HttpServer, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      const message = `Cannot listen on ${host}, port ${port}`
      throw new FederationError('usage/bad-value', message, { cause })
    }
    const message = `Port ${port} of ${host} is in use`
    throw new FederationError('coordinator/port-in-use', message, { cause })
  }
}

/** An address that a command on this machine can use. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
