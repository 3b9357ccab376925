import type { Request, RequestHandler } from 'express'
import { sessionOf } from '#coordinator/auth/cookies.js'
import { assertMay, permissionOf, tokenFor } from '#coordinator/auth/permissions.js'
import { badToken } from '#coordinator/auth/jwt.js'
import type { Operations } from '#coordinator/ops/operations.js'
import type { Claims, TokenKind } from '#coordinator/auth/tokens.js'
import type { ApiParts } from './call.js'
import { wayOf, type Csrf } from './csrf.js'
import { nameOf, type Route } from './routes.js'

export interface AdmitOptions extends Pick<ApiParts, 'auth'> {
  readonly ops: Pick<Operations, 'assertMayMonitor'>
  readonly csrf: Csrf
  /** Told who was let in, before anything is done for them. */
  readonly onEntered: (who: Claims, response: Parameters<RequestHandler>[1]) => void
}

/**
 * Who calls, and whether they may: before anything of the request but its head is read. What the table of permissions does
 * not name is not served.
 */
export function admit(options: AdmitOptions, route: Route): RequestHandler {
  const { auth, ops, csrf, onEntered } = options
  const name = nameOf(route)
  const { need } = permissionOf(name)
  const kind = tokenFor(need)
  return async (request, response, next) => {
    const shown = kind === null ? null : shownBy(request, kind)
    if (route.method !== 'get') {
      const isByCookie = shown?.kind === 'session'
      auth.origins.assertAllowed(request.get('origin'), { isByCookie })
    }
    if (need === 'monitor') ops.assertMayMonitor(request)
    if (kind !== null) {
      if (shown === null) throw badToken()
      // Whose right ends meanwhile gets no further, however much is still to be read or sent.
      const end = (): void => void request.socket.destroy()
      const { who, stay } = await auth.gate.enter(shown.token, shown.kind, end)
      response.on('close', () => stay.leave())
      assertMay(who, name)
      if (shown.kind === 'session' && route.method !== 'get') csrf.assertSent(request, who)
      response.locals['who'] = who
      response.locals['stay'] = stay
      onEntered(who, response)
    }
    next()
  }
}

interface Shown {
  readonly token: string
  readonly kind: TokenKind
}

/** What the request says who it is from: a token in its header or, of a person's browser, the session in a cookie. */
function shownBy(request: Request, kind: Exclude<TokenKind, 'session'>): Shown | null {
  const header = request.get('authorization')
  if (header !== undefined) {
    const [, token] = /^Bearer (\S+)$/.exec(header) ?? []
    return token === undefined ? null : { token, kind }
  }
  if (kind !== 'people') return null
  const token = sessionOf(wayOf(request))
  return token === null ? null : { token, kind: 'session' }
}
