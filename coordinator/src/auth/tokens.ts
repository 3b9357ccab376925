import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { MIN_SECRET_BYTES } from './secret.js'

/** Who a token speaks for. A token of one audience is never good for the other. */
export type Audience = 'fl-client' | 'people'
export interface Claims {
  /** A node id, or a person's name. */
  readonly subject: string
  readonly audience: Audience
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const LIFETIME_SECONDS: Readonly<Record<Audience, number>> = {
  'fl-client': 15 * 60,
  people: 12 * 3600,
}
const ISSUER = 'tributary-coordinator'
/** Clocks of one machine: the coordinator checks what it issued itself. */
const CLOCK_TOLERANCE_SECONDS = 5

const claimsSchema = z.strictObject({
  sub: z.string().min(1).max(200),
  iss: z.literal(ISSUER),
  aud: z.enum(['fl-client', 'people']),
  iat: z.int().positive(),
  exp: z.int().positive(),
  jti: z.uuid(),
})

export interface Tokens {
  issue(
    audience: Audience,
    subject: string,
  ): { readonly token: string; readonly expiresInSeconds: number }
  /** Throws `auth/bad-token`, with the same words whatever is wrong. */
  verify(token: string, audience: Audience): Claims
}

/** The only place that knows how tokens are made. `nowSeconds` is for tests. */
export function createTokens(
  secret: Buffer,
  nowSeconds: () => number = () => Math.floor(Date.now() / 1000),
): Tokens {
  if (secret.length < MIN_SECRET_BYTES)
    throw new FederationError(
      'internal/bug',
      `A signing secret has at least ${MIN_SECRET_BYTES} bytes`,
    )
  return {
    issue: (audience, subject) => {
      const expiresInSeconds = LIFETIME_SECONDS[audience]
      const iat = nowSeconds()
      const claims = { sub: subject, iss: ISSUER, aud: audience, iat, jti: randomUUID() }
      const token = jwt.sign({ ...claims, exp: iat + expiresInSeconds }, secret, {
        algorithm: 'HS256',
      })
      return { token, expiresInSeconds }
    },
    verify: (token, audience) => {
      const claims = claimsSchema.safeParse(
        payloadOf(token, secret, { audience, now: nowSeconds() }),
      )
      if (!claims.success) throw badToken(claims.error)
      const { sub, aud, exp } = claims.data
      return { subject: sub, audience: aud, expiresAt: exp }
    },
  }
}

/** Signature, algorithm, issuer, audience and times. The library leaves it to the caller that claims are there at all. */
function payloadOf(
  token: string,
  secret: Buffer,
  { audience, now }: { readonly audience: Audience; readonly now: number },
): unknown {
  try {
    return jwt.verify(token, secret, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience,
      maxAge: LIFETIME_SECONDS[audience],
      clockTimestamp: now,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
  } catch (cause) {
    throw badToken(cause)
  }
}

const badToken = (cause: unknown): FederationError =>
  new FederationError('auth/bad-token', 'The access token is missing, expired or not valid here', {
    cause,
  })
