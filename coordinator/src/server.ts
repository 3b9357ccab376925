import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import { resolve } from 'node:path'
import pino, { type Logger } from 'pino'
import { PinoPretty as pretty } from 'pino-pretty'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { issueCode } from './auth/codes.js'
import { keepOperatorFile } from './auth/operator.js'
import { loadSigningSecret } from './auth/secret.js'
import { createTokens } from './auth/tokens.js'
import { systemClock, type Clock } from './clock.js'
import type { Compute } from './compute/compute.js'
import { forkCompute } from './compute/fork-compute.js'
import { SocketFleet } from './fleet/socket-fleet.js'
import { createApp } from './http/app.js'
import { BlobUploads } from './http/blob-uploads.js'
import { EventFeed } from './http/event-feed.js'
import type { UplinkLimits } from './limits.js'
import { RunManager } from './run.js'
import { openStore } from './store/open-store.js'
import type { Store } from './store/store.js'
import { serveSockets } from './transport/socket-server.js'
import { Vault, type VaultOptions } from './vault/vault.js'

export interface CoordinatorOptions {
  /** Everything durable; made if absent. */
  readonly dataDir: string
  /** `mongodb://…`: records lie there, blobs in the data directory. Default: all in the data directory. */
  readonly storeUrl?: string | undefined
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** 0 chooses a free one. */
  readonly port: number
  /** Which master key opens what lies encrypted. Default: a file of the user's, made on first use. */
  readonly vault?: Omit<VaultOptions, 'dataDirectory'>
  /** trace, debug, info, warn, error or silent; default: info. The log is JSON lines on standard error. */
  readonly logLevel?: string
  /** Instead of the process of its own that computes. */
  readonly compute?: (store: Store) => Compute
  readonly clock?: Clock
  /** Largest bundle that people may upload for runs to start from, in bytes; default: 10^9. */
  readonly maxBundleBytes?: number
  /** Default: 512 MB an update, 4096 MB a round. */
  readonly limits?: UplinkLimits
}
export interface CoordinatorHandle {
  readonly url: string
  /** With which a person signs in from elsewhere; only when the data directory is new, else null. */
  readonly signInCode: string | null
  readonly runs: RunManager
  /** A one-time code with which a node enrols. */
  invite(minutes?: number): Promise<string>
  /** Leaves open rounds as they are, for the next start. */
  stop(): Promise<void>
}

const UPLINK_LIMITS: UplinkLimits = { maxUpdateBytes: 512e6, maxRoundBytes: 4096e6 }
const SIGN_IN_MINUTES = 24 * 60
const INVITATION_MINUTES = 60
const MAX_BUNDLE_BYTES = 1e9
/** Slow and silent connections must not pile up; requests are small, and uploads come over sockets or in pieces. */
const HTTP_LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 }

/**
 * Serves until stopped. Throws `store/locked` when another coordinator uses the data directory, `coordinator/port-in-use`,
 * and what the store throws.
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<CoordinatorHandle> {
  const { host = '127.0.0.1', clock = systemClock, limits = UPLINK_LIMITS } = options
  const directory = resolve(options.dataDir)
  const log = createLog(options.logLevel ?? 'info')
  const onError = (error: FederationError): void => {
    log.error({ code: error.code, details: error.details, err: error }, 'Something went wrong')
  }
  const store = await openStore(directory, { url: options.storeUrl })
  const undo: (() => unknown)[] = [() => store.close()]
  try {
    const secret = await loadSigningSecret(directory)
    const tokens = createTokens(secret.bytes)
    const vault = await Vault.open({ dataDirectory: directory, ...options.vault })
    const compute = options.compute?.(store) ?? forkCompute({ blobDirectory: directory })
    undo.unshift(() => compute.stop())
    const feed = new EventFeed(store, clock)
    const fleet = new SocketFleet({
      ...{ store, vault, clock, limits },
      note: (runId, type, data) => {
        log.warn({ runId, ...data }, type)
        feed.note(runId, type, data).catch((error: unknown) => onError(asFederationError(error)))
      },
    })
    const runs = new RunManager({
      ...{ store, vault, fleet, compute, clock },
      kind: 'deployed',
      limits: { ...limits, members: (config) => fleet.candidates(config) },
      onProblem: onError,
    })
    undo.unshift(() => runs.shutdown())
    runs.subscribe((runId, { type, data }) => {
      log.info({ runId, round: data['round'] ?? null }, type)
      feed.wake(runId)
      if (type === 'run:finished')
        fleet.announceEnd(runId).catch((error: unknown) => onError(asFederationError(error)))
    })

    // The port first: another coordinator that has it must not be noticed after runs were taken up.
    let open: () => void = () => undefined
    const ready = new Promise<void>((resolve) => (open = resolve))
    const uploads = new BlobUploads(store.blobs, options.maxBundleBytes ?? MAX_BUNDLE_BYTES)
    const app = createApp({ store, runs, fleet, tokens, feed, uploads, clock, ready, onError })
    const server = Object.assign(createServer(app), HTTP_LIMITS)
    const url = await listen(server, host, options.port)
    undo.unshift(() => closeServer(server))
    const sockets = serveSockets({ server, tokens, store, fleet, clock, ready, onError })
    undo.unshift(() => sockets.close())
    undo.unshift(() => feed.close())
    await runs.resumeAll()
    undo.unshift(await keepOperatorFile({ directory, url, tokens, clock }))
    const signInCode = secret.isNew ? await firstCode(store, clock) : null
    open()
    log.info({ url, directory }, 'Coordinator listening')
    const invite = async (minutes = INVITATION_MINUTES): Promise<string> =>
      (await issueCode(store, 'enrol-node', { now: clock.timestamp(), minutes })).code
    return { url, signInCode, runs, invite, stop: () => undoAll(undo) }
  } catch (error) {
    await undoAll(undo)
    throw error
  }
}

/** JSON lines on standard error; on a terminal, lines that people read. */
const createLog = (level: string): Logger =>
  process.stderr.isTTY
    ? pino({ level }, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }))
    : pino({ level }, pino.destination(2))

async function undoAll(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0)) await step()
}

const firstCode = async (store: Store, clock: Clock): Promise<string> =>
  (await issueCode(store, 'sign-in', { now: clock.timestamp(), minutes: SIGN_IN_MINUTES })).code

async function listen(server: HttpServer, host: string, port: number): Promise<string> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE')
      throw new FederationError('usage/bad-value', `Cannot listen on ${host}, port ${port}`, {
        cause,
      })
    const message = `Port ${port} of ${host} is in use`
    throw new FederationError('coordinator/port-in-use', message, { cause })
  }
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return `http://${reachable(host)}:${actual}`
}

/** An address that a command on this machine can use. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function closeServer(server: HttpServer): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
