import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ErrorCode } from '#protocol/errors.js'
import { VERSION } from '#protocol/version.js'

/** Looked up when the metrics are read. */
export interface MetricSources {
  readonly connections: () => number
  readonly nodesOnline: () => number
  readonly uploads: () => { readonly active: number; readonly waiting: number }
  readonly ready: () => boolean
  /** By state of their heads. */
  readonly runs: () => Promise<Readonly<Record<string, number>>>
  readonly freeBytes: () => Promise<number | null>
  /** Seconds since 1970; null: no TLS. */
  readonly certificateExpiry: () => number | null
}
export type MessageOutcome = 'ok' | 'refused' | 'limited' | 'failed'
export type CloseReason = 'backlog' | 'flood' | 'replaced'
export type RefusedConnection = 'total' | 'address'

const PREFIX = 'tributary_'
const SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])

/**
 * What Prometheus reads. Labels are bounded: routes of the table, codes, states; never a node, a person, a run or a path that
 * somebody chose. docs/operations.md lists every one; a test holds the page against this.
 */
export class Metrics {
  readonly #registry = new Registry()
  /** Runs that wait for members now. */
  readonly #waiting = new Set<string>()
  readonly #requests = this.#counter('http_requests_total', 'HTTP requests answered', [
    'method',
    'route',
    'status',
  ])
  readonly #requestSeconds = new Histogram({
    name: `${PREFIX}http_request_seconds`,
    help: 'Time from a request to the end of its answer',
    labelNames: ['route'],
    buckets: SECONDS,
    registers: [this.#registry],
  })
  readonly #refusedConnections = this.#counter(
    'connections_refused_total',
    'Connections closed at once because of a cap',
    ['reason'],
  )
  readonly #messages = this.#counter(
    'messages_total',
    'Messages of nodes, by what became of them',
    ['message', 'outcome'],
  )
  readonly #closedSockets = this.#counter(
    'sockets_closed_total',
    'Connections of nodes that the coordinator closed',
    ['reason'],
  )
  readonly #slowUploads = this.#counter('uploads_slow_total', 'Uploads that lost their place')
  readonly #uploadBytes = this.#counter('upload_bytes_total', 'Bytes of updates received')
  readonly #rounds = this.#counter('rounds_total', 'Rounds that ended', ['outcome'])
  readonly #failedRuns = this.#counter('run_failures_total', 'Runs that failed')
  readonly #refusedUpdates = this.#counter('updates_refused_total', 'Updates refused', ['code'])
  readonly #errors = this.#counter('errors_total', "The coordinator's own errors", ['code'])
  readonly #lastRound = this.#gauge('last_round_timestamp_seconds', 'When a round closed last')

  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.#registry })
    this.#gauge('build_info', 'Always 1', ['version']).set({ version: VERSION }, 1)
    this.#watched('ready', 'Whether runs are taken up and work is accepted', () =>
      Number(sources.ready()),
    )
    this.#watched('connections_open', 'Open connections', sources.connections)
    this.#watched('nodes_online', 'Nodes that are connected', sources.nodesOnline)
    this.#watched('uploads_active', 'Updates being received', () => sources.uploads().active)
    this.#watched('uploads_waiting', 'Updates that wait for room', () => sources.uploads().waiting)
    this.#watched('store_free_bytes', 'Free space of the data directory', sources.freeBytes)
    this.#watched('runs_waiting', 'Runs that wait for members', () => this.#waiting.size)
    this.#watched('tls_expiry_timestamp_seconds', 'When the certificate ends', () =>
      sources.certificateExpiry(),
    )
    new Gauge({
      name: `${PREFIX}runs`,
      help: 'Runs, by state',
      labelNames: ['state'],
      registers: [this.#registry],
      async collect() {
        this.reset()
        for (const [state, count] of Object.entries(await sources.runs()))
          this.set({ state }, count)
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }
  /** In Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
  get names(): readonly string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name)
  }

  request(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly seconds: number
  }): void {
    const { route, status, seconds } = request
    const method = METHODS.has(request.method) ? request.method : 'other'
    this.#requests.inc({ method, route, status: String(status) })
    this.#requestSeconds.observe({ route }, seconds)
  }
  connectionRefused(reason: RefusedConnection): void {
    this.#refusedConnections.inc({ reason })
  }
  /** `message`: a name of the protocol, or 'other'. */
  message(message: string, outcome: MessageOutcome): void {
    this.#messages.inc({ message, outcome })
  }
  socketClosed(reason: CloseReason): void {
    this.#closedSockets.inc({ reason })
  }
  uploadSlow(): void {
    this.#slowUploads.inc()
  }
  uploaded(bytes: number): void {
    this.#uploadBytes.inc(bytes)
  }
  error(code: ErrorCode): void {
    this.#errors.inc({ code })
  }
  /** Told of every event of every run. */
  runEvent(runId: string, type: string, data: Readonly<Record<string, unknown>>): void {
    if (type === 'run:waiting') this.#waiting.add(runId)
    else if (type !== 'update:refused') this.#waiting.delete(runId)
    if (type === 'round:closed') {
      this.#rounds.inc({ outcome: 'closed' })
      this.#lastRound.setToCurrentTime()
    }
    if (type === 'round:abandoned') this.#rounds.inc({ outcome: 'abandoned' })
    if (type === 'run:failed') this.#failedRuns.inc()
    if (type === 'update:refused') this.#refusedUpdates.inc({ code: String(data['code']) })
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.#registry] })
  }
  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.#registry] })
  }
  /** Read when the metrics are; null: there is nothing to tell. */
  #watched(name: string, help: string, read: () => number | null | Promise<number | null>): void {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read()
        if (value === null) this.remove()
        else this.set(value)
      },
    })
  }
}
