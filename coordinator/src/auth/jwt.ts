import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { FederationError } from '#protocol/errors.js'
import { MIN_SECRET_BYTES } from './secret.js'

/**
 * What a signed text is for. Each has a key of its own, so that what is made for one is never good for another:
 * `fl-client` opens the doors of nodes and `people` those of people; a `session` is exchanged for the latter, or lies in a
 * browser's cookie; a `challenge` is what a node answers with its key.
 */
export type Audience = 'fl-client' | 'people' | 'session' | 'challenge'

export const LIFETIME_SECONDS: Readonly<Record<Audience, number>> = {
  'fl-client': 15 * 60,
  people: 15 * 60,
  session: 12 * 3600,
  challenge: 60,
}
export const ISSUER = 'tributary-coordinator'
/** Clocks of one machine: the coordinator checks what it issued itself. */
const CLOCK_TOLERANCE_SECONDS = 5

/** The key that signs what is made for this audience. */
export const signingKey = (secret: Buffer, audience: Audience): Buffer =>
  keyFor(secret, `token/1|${audience}`)

/**
 * The same, ready for use. Bytes would do, but the library first tries to read them as a public or a private key, at every
 * call, and that takes longer than all the rest.
 */
export const preparedKey = (secret: Buffer, audience: Audience): KeyObject =>
  createSecretKey(signingKey(secret, audience))

/** A key of its own for each purpose. Throws `internal/bug` for a short secret. */
export function keyFor(secret: Buffer, purpose: string): Buffer {
  if (secret.length < MIN_SECRET_BYTES)
    throw new FederationError(
      'internal/bug',
      `A signing secret has at least ${MIN_SECRET_BYTES} bytes`,
    )
  return Buffer.from(hkdfSync('sha256', secret, '', `tributary/${purpose}`, 32))
}

export const signClaims = (claims: object, key: KeyObject): string =>
  jwt.sign(claims, key, { algorithm: 'HS256' })

/**
 * The payload, once signature, algorithm, issuer, audience and times were checked. Throws `auth/bad-token`. The library leaves
 * it to the caller that claims are there at all: what this returns is still to be parsed.
 */
export function readClaims(
  token: string,
  key: KeyObject,
  { audience, now }: { readonly audience: Audience; readonly now: number },
): unknown {
  try {
    return jwt.verify(token, key, {
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

/** The same words whatever is wrong. */
export const badToken = (cause?: unknown): FederationError =>
  new FederationError('auth/bad-token', 'The access token is missing, expired or not valid here', {
    cause,
  })
