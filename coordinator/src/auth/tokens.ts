import { randomUUID, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { ROLES, type Role } from '#protocol/roles.js'
import {
  badToken,
  ISSUER,
  LIFETIME_SECONDS,
  readClaims,
  signClaims,
  preparedKey,
  type Audience,
} from './jwt.js'

/** Tokens that say who somebody is. A token of one kind is never good for another. */
export type TokenKind = Exclude<Audience, 'challenge'>

/** What a token says of its holder when it is made. */
export interface Grant {
  /** A node id, or a person's name. */
  readonly subject: string
  readonly role: Role | 'node'
  /** A token is good as long as this is what the store says: `versionOf` a person, `keyIdOf` a node's key. */
  readonly version: string
  /** What signing out ends; default: a new one. */
  readonly sessionId?: string
  /** When the person has shown who they are, in seconds since 1970; default: now. */
  readonly signedInAt?: number
  /** Not good for longer than this, in seconds since 1970. */
  readonly until?: number
}
export interface Claims extends Required<Omit<Grant, 'until'>> {
  readonly audience: TokenKind
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const claimsSchema = z.strictObject({
  sub: z.string().min(1).max(200),
  iss: z.literal(ISSUER),
  aud: z.enum(['fl-client', 'people', 'session']),
  iat: z.int().positive(),
  exp: z.int().positive(),
  jti: z.uuid(),
  role: z.enum([...ROLES, 'node']),
  ver: z.string().min(1).max(64),
  sid: z.uuid(),
  auth_time: z.int().positive(),
})

export interface IssuedToken {
  readonly token: string
  readonly expiresInSeconds: number
}
export interface Tokens {
  issue(kind: TokenKind, grant: Grant): IssuedToken
  /** Throws `auth/bad-token`, with the same words whatever is wrong. Says nothing about what the store knows by now: that is `Gate`. */
  verify(token: string, kind: TokenKind): Claims
}

/** The only place that knows what is in a token. `nowSeconds` is for tests. Throws `internal/bug` for a short secret. */
export function createTokens(
  secret: Buffer,
  nowSeconds: () => number = () => Math.floor(Date.now() / 1000),
): Tokens {
  const keys: Readonly<Record<TokenKind, KeyObject>> = {
    'fl-client': preparedKey(secret, 'fl-client'),
    people: preparedKey(secret, 'people'),
    session: preparedKey(secret, 'session'),
  }
  return {
    issue: (kind, { subject, role, version, ...rest }) => {
      const iat = nowSeconds()
      const { sessionId = randomUUID(), signedInAt = iat, until = Infinity } = rest
      const exp = Math.min(iat + LIFETIME_SECONDS[kind], until)
      const token = signClaims(
        {
          ...{ sub: subject, iss: ISSUER, aud: kind, iat, exp, jti: randomUUID() },
          ...{ role, ver: version, sid: sessionId, auth_time: signedInAt },
        },
        keys[kind],
      )
      return { token, expiresInSeconds: exp - iat }
    },
    verify: (token, kind) => {
      const payload = readClaims(token, keys[kind], { audience: kind, now: nowSeconds() })
      const claims = claimsSchema.safeParse(payload)
      if (!claims.success) throw badToken(claims.error)
      const { sub, aud, exp, role, ver, sid, auth_time } = claims.data
      return {
        ...{ subject: sub, audience: aud, expiresAt: exp, role, version: ver },
        ...{ sessionId: sid, signedInAt: auth_time },
      }
    },
  }
}
