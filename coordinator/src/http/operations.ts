import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { FederationError } from '#protocol/errors.js'
import type { OperationsView } from '#protocol/server-views.js'
import type { Operations } from '#coordinator/ops/operations.js'
import type { Logger } from '#coordinator/ops/log.js'
import type { Call, Handler } from './call.js'

/** Routes of whoever supervises the process: they answer before runs are taken up, and while the coordinator stops. */
export const SUPERVISION: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** A name for every request, by which an answer and the log find each other; counts it, and how long it took. */
export function observe(ops: Operations, log: Pick<Logger, 'debug'>): RequestHandler {
  return (request, response, next) => {
    const requestId = randomUUID()
    const begun = performance.now()
    const leave = ops.drain.enter()
    response.locals['requestId'] = requestId
    response.set('x-request-id', requestId)
    response.on('close', () => {
      leave()
      const seconds = (performance.now() - begun) / 1000
      const { method } = request
      const [route, status] = [routeOf(request), response.statusCode]
      ops.metrics.request({ method, route, status, seconds })
      log.debug({ requestId, method, route, status, seconds }, 'request')
    })
    next()
  }
}

/** Of the table, never the path itself: somebody chose that. */
const routeOf = ({ route }: Request): string =>
  typeof (route as { path?: unknown } | undefined)?.path === 'string'
    ? (route as { path: string }).path
    : 'other'

/** A coordinator that was told to stop begins nothing new. */
export function refuseWhileStopping({ drain }: Operations): RequestHandler {
  return (request, _response, next) => {
    if (drain.isDraining && !SUPERVISION.has(request.path))
      throw new FederationError('coordinator/stopping', 'The coordinator is being stopped')
    next()
  }
}

/** Requests of one person or node under way: reliability specification §2, T11. */
export class SubjectCap {
  readonly #most: number
  readonly #underWay = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Counts the request until it is answered. Throws `auth/too-many-tries`. */
  enter(subject: string, response: Response): void {
    const count = (this.#underWay.get(subject) ?? 0) + 1
    if (count > this.#most) {
      const message = `At most ${this.#most} requests at a time`
      throw new FederationError('auth/too-many-tries', message)
    }
    this.#underWay.set(subject, count)
    response.on('close', () => {
      const left = (this.#underWay.get(subject) ?? 1) - 1
      if (left === 0) this.#underWay.delete(subject)
      else this.#underWay.set(subject, left)
    })
  }
}

/** The process is there and turns its event loop. */
export const tellHealth: Handler = async () => ({ status: 'ok' })

export const tellOperations = ({ parts }: Call): Promise<OperationsView> => parts.observer.view()

/** 503 with the reasons when the coordinator should not be sent work. */
export const tellReadiness: Handler = async ({ parts, response }: Call) => {
  const checks = await parts.ops.readiness()
  const isReady = checks.every(({ ok }) => ok)
  response.status(isReady ? 200 : 503)
  return { status: isReady ? 'ready' : 'not-ready', checks }
}

export const tellMetrics: Handler = async ({ parts, response }: Call) => {
  const { metrics } = parts.ops
  const text = await metrics.text()
  response.set('cache-control', 'no-store').type(metrics.contentType).send(text)
  return 'sent'
}
