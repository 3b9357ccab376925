import { doubleCsrf, type DoubleCsrfUtilities } from 'csrf-csrf'
import type { Request, Response } from 'express'
import { FederationError } from '#protocol/errors.js'
import {
  cookieOptions,
  csrfCookie,
  isEncrypted,
  parseCookies,
  type Way,
} from '#coordinator/auth/cookies.js'
import type { Claims } from '#coordinator/auth/tokens.js'

type Session = Pick<Claims, 'sessionId'>
const HEADER = 'x-csrf-token'

/**
 * Pages send back, in a header, what they were given for the session in their cookie; a page of another site can make a
 * browser send the cookie, but cannot read what belongs beside it. Reliability specification §2, T15.
 */
export class Csrf {
  readonly #sessions = new WeakMap<Request, string>()
  readonly #plain: DoubleCsrfUtilities
  readonly #encrypted: DoubleCsrfUtilities

  constructor(secret: string) {
    const make = (isEncrypted: boolean): DoubleCsrfUtilities =>
      doubleCsrf({
        getSecret: () => secret,
        getSessionIdentifier: (request) => this.#sessions.get(request) ?? '',
        cookieName: csrfCookie(isEncrypted),
        cookieOptions: cookieOptions(isEncrypted),
        getCsrfTokenFromRequest: (request) => request.get(HEADER),
      })
    this.#plain = make(false)
    this.#encrypted = make(true)
  }

  /** What the page is to send along; its other half goes into a cookie. */
  give(request: Request, response: Response, { sessionId }: Session): string {
    return this.#for(request, sessionId).generateCsrfToken(request, response)
  }
  /** Throws `auth/forbidden`. */
  assertSent(request: Request, { sessionId }: Session): void {
    if (this.#for(request, sessionId).validateRequest(request)) return
    throw new FederationError(
      'auth/forbidden',
      `The header ${HEADER} is missing or of another session`,
    )
  }

  #for(request: Request, sessionId: string): DoubleCsrfUtilities {
    this.#sessions.set(request, sessionId)
    request.cookies = Object.fromEntries(parseCookies(request.get('cookie')))
    return isEncrypted(wayOf(request)) ? this.#encrypted : this.#plain
  }
}

export const wayOf = (request: Request): Way => ({
  isTls: request.secure,
  cookieHeader: request.get('cookie'),
  origin: request.get('origin'),
})
