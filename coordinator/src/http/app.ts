import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { rateLimit } from 'express-rate-limit'
import helmet from 'helmet'
import sjson from 'secure-json-parse'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { BLOB_PIECE_BYTES } from '#protocol/http-api.js'
import { permissionOf } from '#coordinator/auth/permissions.js'
import type { Stay } from '#coordinator/auth/presence.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import { addressKey } from '#coordinator/ops/connections.js'
import type { Logger } from '#coordinator/ops/log.js'
import { ActLog } from './acts.js'
import { admit, type AdmitOptions } from './admit.js'
import type { ApiParts, Call } from './call.js'
import { observe, refuseWhileStopping, SubjectCap, SUPERVISION } from './operations.js'
import { Csrf } from './csrf.js'
import { PAGES_DIRECTORY, servePages } from './pages.js'
import { nameOf, ROUTES, type Route } from './routes.js'

const MINUTE_MS = 60_000

export interface AppOptions extends Omit<ApiParts, 'csrf'> {
  /** Requests wait until the coordinator has taken up its runs. */
  readonly ready: Promise<void>
  readonly onError: (error: FederationError, requestId?: string) => void
  /** Where the built dashboard lies; default: in this package. */
  readonly pagesDirectory?: string
  /** For one line a request, at level debug. */
  readonly note: Pick<Logger, 'debug'>
}

/** The HTTP API. Handlers throw; this is the one place that turns errors into answers. */
export function createApp(options: AppOptions): Express {
  const { ops, ready } = options
  const { proxies, limits } = ops
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  app.set('trust proxy', (address: string) => proxies.has(address))
  app.use(observe(ops, options.note), helmet(), refuseWhileStopping(ops))
  app.use(servePages(options.pagesDirectory ?? PAGES_DIRECTORY))
  app.use(async (request, _response, next) => {
    if (!SUPERVISION.has(request.path)) await ready
    next()
  })
  const limit = limitFailures(options)
  const cap = new SubjectCap(limits.requestsPerSubject)
  const acts = new ActLog(options.log, options.clock)
  const csrf = new Csrf(options.auth.csrfSecret)
  const onEntered: AdmitOptions['onEntered'] = (who, response) => cap.enter(who.subject, response)
  // As text: the parser after it refuses keys that reach prototypes.
  const text = express.text({ type: () => true, inflate: false, limit: limits.bodyBytes })
  const bytes = express.raw({ type: () => true, inflate: false, limit: BLOB_PIECE_BYTES })
  for (const route of ROUTES) {
    const first = permissionOf(nameOf(route)).need === 'guesser' ? [limit] : []
    const body = route.method === 'put' ? bytes : text
    app[route.method](
      route.path,
      ...first,
      admit({ ...options, csrf, onEntered }, route),
      body,
      serve({ ...options, csrf, acts }, route),
    )
  }
  app.use((request: Request) => {
    throw new FederationError('http/not-found', `There is no ${request.method} ${request.path}`)
  })
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line max-params
  app.use((error: unknown, _request: Request, response: Response, _next: unknown) => {
    answerError(options, response, error)
  })
  return app
}

function serve(
  { acts, ...parts }: AppOptions & { readonly acts: ActLog; readonly csrf: Csrf },
  route: Route,
): RequestHandler {
  const { method, handler } = route
  return async (request, response) => {
    const call: Call = {
      ...{ parts, request, response },
      who: (response.locals['who'] as Claims | undefined) ?? null,
      stay: (response.locals['stay'] as Stay | undefined) ?? null,
      params: request.params as Readonly<Record<string, string>>,
      query: request.query,
      body: method === 'post' ? parseBody(request.body) : (request.body as unknown),
    }
    const answer = await acts.around(nameOf(route), call, () => handler(call))
    if (answer !== 'sent') response.set('cache-control', 'no-store').json(answer)
  }
}

function parseBody(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return undefined
  try {
    return sjson.parse(text, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    throw new FederationError(
      'message/malformed',
      'The body is not JSON, or holds a forbidden key',
      {
        cause,
      },
    )
  }
}

function limitFailures(options: AppOptions): RequestHandler {
  return rateLimit({
    // Codes have 60 bits, so this is far from helping anyone to guess one; and requests under way count until they succeed,
    // so that fewer would hit a crowd of nodes that comes back at once.
    windowMs: MINUTE_MS,
    limit: options.ops.limits.failuresPerMinute,
    // One network of IPv6 addresses is one peer.
    keyGenerator: (request) => addressKey(options.ops.proxies.addressOf(request)),
    skipSuccessfulRequests: true,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, response) => {
      const error = new FederationError('auth/too-many-tries', 'Too many failed tries')
      answerError(options, response, error)
    },
  })
}

/** What express and its body parser throw carries a `status`; below 500 it is the caller's fault. */
function federationErrorOf(error: unknown): FederationError {
  const { status, type, limit } = error as Readonly<Record<string, unknown>>
  if (error instanceof FederationError || typeof status !== 'number' || status >= 500)
    return asFederationError(error)
  const isLarge = type === 'entity.too.large'
  return new FederationError(
    'message/malformed',
    isLarge ? `The body is larger than ${String(limit)} bytes` : 'The request cannot be read',
    { cause: error },
  )
}

function answerError(
  { onError }: Pick<AppOptions, 'onError'>,
  response: Response,
  cause: unknown,
): void {
  const error = federationErrorOf(cause)
  const isOurs = error.code === 'internal/bug'
  const requestId = response.locals['requestId'] as string | undefined
  if (error.status >= 500 && error.code !== 'coordinator/stopping') onError(error, requestId)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const message = isOurs ? "The coordinator's log says more" : error.message
  response
    .status(error.status)
    .set('cache-control', 'no-store')
    .json({ problem: { code: error.code, message }, requestId })
}
