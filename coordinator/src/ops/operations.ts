import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { FederationError } from '#protocol/errors.js'
import { CHUNK_BYTES, CHUNK_CREDITS } from '#protocol/messages.js'
import { systemClock, type Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import type { TlsIdentity } from '#coordinator/tls/certificate.js'
import { ConnectionGuard, isLoopback, TrustedProxies } from './connections.js'
import { Drain } from './drain.js'
import { checkReadiness, freeBytes, type Check } from './health.js'
import { SERVER_LIMITS, type ServerLimits } from './limits.js'
import { Metrics, type MetricSources } from './metrics.js'
import { UploadGate } from './upload-gate.js'

/** A frame is a chunk with its header. */
export const FRAME_SLACK_BYTES = 16 * 1024
/** Fewer can be guessed. */
const MIN_MONITORING_TOKEN = 16

export interface OperationsOptions {
  readonly clock?: Clock
  /** What is not named keeps its default. */
  readonly limits?: Partial<ServerLimits>
  /** Addresses of proxies in front, whose `x-forwarded-for` is taken. */
  readonly proxies?: readonly string[]
  /** With which `/metrics` may be read from elsewhere than this machine. */
  readonly monitoringToken?: string | null
  readonly identity?: TlsIdentity | null
}

/** What exists only once the coordinator does. */
export interface Watched {
  readonly store: Pick<Store, 'runs' | 'head'>
  readonly dataDir: string
  readonly nodesOnline: () => number
}

/** What watches over a server while it serves: limits, counts, and how it stops. */
export class Operations {
  readonly limits: ServerLimits
  readonly clock: Clock
  readonly proxies: TrustedProxies
  readonly connections: ConnectionGuard
  readonly uploads: UploadGate
  readonly drain = new Drain()
  readonly metrics: Metrics
  /** Of the certificate that it shows; null: it shows none of its own. */
  readonly fingerprint: string | null
  /** Runs are taken up. */
  isStarted = false
  readonly #monitoringToken: string | null
  #watched: Watched | null = null

  constructor(options: OperationsOptions = {}) {
    this.clock = options.clock ?? systemClock
    this.limits = { ...SERVER_LIMITS, ...options.limits }
    this.proxies = new TrustedProxies(options.proxies)
    this.fingerprint = options.identity?.fingerprint ?? null
    this.#monitoringToken = options.monitoringToken ?? null
    this.metrics = new Metrics(this.#lookUp(options.identity ?? null))
    this.connections = new ConnectionGuard({
      limits: this.limits,
      proxies: this.proxies,
      onRefused: (reason) => this.metrics.connectionRefused(reason),
    })
    this.uploads = new UploadGate({
      clock: this.clock,
      limits: this.limits,
      bytesPerUpload: CHUNK_CREDITS * (CHUNK_BYTES + FRAME_SLACK_BYTES),
      onSlow: () => this.metrics.uploadSlow(),
    })
  }

  /** Where the metrics look things up that exist only once the coordinator does. */
  lookAt(watched: Watched): void {
    this.#watched = watched
  }

  /** Whether the coordinator should be sent work, and what is in the way. */
  async readiness(): Promise<readonly Check[]> {
    if (this.#watched === null) return [{ name: 'started', ok: false }]
    const { store, dataDir } = this.#watched
    return checkReadiness({
      ...{ store, dataDir },
      isStarted: () => this.isStarted,
      isDraining: () => this.drain.isDraining,
    })
  }

  /**
   * Metrics are for who is on this machine, and for who has the monitoring token. A proxy on this machine speaks for others.
   * Throws `auth/forbidden`.
   */
  assertMayMonitor(request: Pick<IncomingMessage, 'socket' | 'headers'>): void {
    const { headers, socket } = request
    const isForwarded = 'x-forwarded-for' in headers || 'forwarded' in headers
    if (!isForwarded && isLoopback(socket.remoteAddress ?? '')) return
    const [, token = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? []
    if (this.#monitoringToken !== null && isEqual(token, this.#monitoringToken)) return
    const message = 'Metrics are read on the machine itself, or with the token of --metrics-token'
    throw new FederationError('auth/forbidden', message)
  }

  #lookUp(identity: TlsIdentity | null): MetricSources {
    return {
      connections: () => this.connections.open,
      uploads: () => this.uploads,
      ready: () => this.isStarted && !this.drain.isDraining,
      certificateExpiry: () => (identity === null ? null : identity.expiresAt.getTime() / 1000),
      nodesOnline: () => this.#watched?.nodesOnline() ?? 0,
      runs: async () => (this.#watched === null ? {} : runsByState(this.#watched.store)),
      freeBytes: async () => (this.#watched === null ? null : freeBytes(this.#watched.dataDir)),
    }
  }
}

async function runsByState(store: Watched['store']): Promise<Readonly<Record<string, number>>> {
  const heads = await Promise.all((await store.runs()).map(({ runId }) => store.head(runId)))
  const counts: Record<string, number> = {}
  for (const head of heads) if (head !== null) counts[head.state] = (counts[head.state] ?? 0) + 1
  return counts
}

/** The token in a file. Throws `config/unreadable`, and `usage/bad-value` for one that could be guessed. */
export async function readMonitoringToken(path: string): Promise<string> {
  let token: string
  try {
    token = (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new FederationError('config/unreadable', `Cannot read ${path}`, { cause })
  }
  if (new RegExp(`^\\S{${MIN_MONITORING_TOKEN},}$`).test(token)) return token
  const message = `${path} must hold one word of at least ${MIN_MONITORING_TOKEN} characters`
  throw new FederationError('usage/bad-value', message)
}

/** Takes the same time wherever the two differ. */
const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
