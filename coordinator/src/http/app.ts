import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { rateLimit } from 'express-rate-limit'
import helmet from 'helmet'
import sjson from 'secure-json-parse'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { BLOB_PIECE_BYTES } from '#protocol/http-api.js'
import { VERSION } from '#protocol/version.js'
import { activeNode } from '#coordinator/auth/enrolment.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import type { ApiParts } from './call.js'
import { ROUTES, type Route } from './routes.js'

const LARGEST_BODY = '64kb'
/**
 * Failures a minute and address. Codes have 60 bits, so this is far from helping anyone to guess one; and requests under
 * way count until they succeed, so that fewer would hit a crowd of nodes that comes back at once.
 */
const MOST_FAILURES = { windowMs: 60_000, limit: 300 }

export interface AppOptions extends ApiParts {
  /** Requests wait until the coordinator has taken up its runs. */
  readonly ready: Promise<void>
  readonly onError: (error: FederationError) => void
}

/** The HTTP API. Handlers throw; this is the one place that turns errors into answers. */
export function createApp(options: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  app.use(helmet())
  app.use(async (_request, _response, next) => {
    await options.ready
    next()
  })
  app.get('/', (_request, response) => {
    response.type('text/plain').send(`Tributary ${VERSION} coordinator. Its API is under /api.\n`)
  })
  const limit = limitFailures(options)
  // As text: the parser after it refuses keys that reach prototypes.
  const text = express.text({ type: () => true, limit: LARGEST_BODY })
  const bytes = express.raw({ type: () => true, limit: BLOB_PIECE_BYTES })
  for (const route of ROUTES) {
    const first = route.audience === 'guesser' ? [limit] : []
    const body = route.method === 'put' ? bytes : text
    app[route.method](route.path, ...first, admit(options, route), body, serve(options, route))
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

/** Who calls, before anything of the request but its head is read. */
function admit({ tokens, store }: AppOptions, { audience }: Route): RequestHandler {
  return async (request, response, next) => {
    if (audience === 'people' || audience === 'fl-client') {
      const [, token = ''] = /^Bearer (\S+)$/.exec(request.get('authorization') ?? '') ?? []
      const who = tokens.verify(token, audience)
      if (audience === 'fl-client') await activeNode(store, who.subject)
      response.locals['who'] = who
    }
    next()
  }
}

function serve(parts: AppOptions, { method, handler }: Route): RequestHandler {
  return async (request, response) => {
    const answer = await handler({
      ...{ parts, request, response },
      who: (response.locals['who'] as Claims | undefined) ?? null,
      params: request.params as Readonly<Record<string, string>>,
      query: request.query,
      body: method === 'post' ? parseBody(request.body) : (request.body as unknown),
    })
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
    ...MOST_FAILURES,
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
  if (error.status >= 500) onError(error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const message = isOurs ? "The coordinator's log says more" : error.message
  response
    .status(error.status)
    .set('cache-control', 'no-store')
    .json({ problem: { code: error.code, message } })
}
