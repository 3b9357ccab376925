import { randomUUID } from 'node:crypto'
import type { UserRow } from '#coordinator/store/store.js'
import type { Auth } from './auth.js'
import { LIFETIME_SECONDS } from './jwt.js'
import { versionOf } from './people.js'
import type { Claims, Grant, IssuedToken } from './tokens.js'

type Issuer = Pick<Auth, 'tokens'>

/** What a person gets who has shown who they are. */
export interface StartedSession {
  readonly sessionId: string
  /** For as long as a person stays signed in; exchanged for access tokens, or kept in a cookie. */
  readonly session: IssuedToken
  readonly access: IssuedToken
}

export function startSession({ tokens }: Issuer, user: UserRow): StartedSession {
  const sessionId = randomUUID()
  const grant: Grant = {
    ...{ subject: user.name, role: user.role, version: versionOf(user), sessionId },
  }
  const [session, access] = [tokens.issue('session', grant), tokens.issue('people', grant)]
  return { sessionId, session, access }
}

/** Another access token within the same session, which stays as old as it is. */
export function renewAccess({ tokens }: Issuer, session: Claims): IssuedToken {
  const { subject, role, version, sessionId, signedInAt, expiresAt } = session
  const grant = { subject, role, version, sessionId, signedInAt, until: expiresAt }
  return tokens.issue('people', grant)
}

/** When a session ends by itself, whatever was issued within it. */
export const endOfSession = ({ signedInAt }: Pick<Claims, 'signedInAt'>): Date =>
  new Date((signedInAt + LIFETIME_SECONDS.session) * 1000)
