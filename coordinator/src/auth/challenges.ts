import { randomUUID, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { PROOF_PURPOSES, type ProofPurpose } from '#protocol/proof.js'
import { badToken, ISSUER, LIFETIME_SECONDS, readClaims, signClaims, preparedKey } from './jwt.js'

const AUDIENCE = 'challenge'
const challengeSchema = z.strictObject({
  sub: z.string().min(1).max(200),
  iss: z.literal(ISSUER),
  aud: z.literal(AUDIENCE),
  iat: z.int().positive(),
  exp: z.int().positive(),
  jti: z.uuid(),
  /** The process that made it: what a process has seen used is forgotten with it, and so must be what it made. */
  boot: z.uuid(),
  purpose: z.enum(PROOF_PURPOSES),
})

/**
 * What nodes sign to show that they hold their keys. Nothing is kept for a challenge that was only asked for, so asking
 * costs the coordinator no memory; one that was answered is remembered until it has ended by itself.
 */
export class Challenges {
  readonly #key: KeyObject
  readonly #nowSeconds: () => number
  readonly #boot = randomUUID()
  /** In the order in which they end. */
  readonly #used = new Map<string, number>()

  constructor(
    secret: Buffer,
    nowSeconds: () => number = () =>
      Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000),
  ) {
    this.#key = preparedKey(secret, AUDIENCE)
    this.#nowSeconds = nowSeconds
  }

  /** For a node that may not exist: the answer does not tell. */
  issue(
    nodeId: string,
    purpose: ProofPurpose,
  ): { readonly challenge: string; readonly expiresInSeconds: number } {
    const [iat, expiresInSeconds] = [this.#nowSeconds(), LIFETIME_SECONDS[AUDIENCE]]
    const claims = {
      ...{ sub: nodeId, iss: ISSUER, aud: AUDIENCE, iat, exp: iat + expiresInSeconds },
      ...{ jti: randomUUID(), boot: this.#boot, purpose },
    }
    return { challenge: signClaims(claims, this.#key), expiresInSeconds }
  }

  /**
   * Uses a challenge up if it was made by this process for this node and purpose, is not too old, was not used before and
   * the proof holds. Throws `auth/bad-token`.
   */
  redeem(
    challenge: string,
    { nodeId, purpose }: { readonly nodeId: string; readonly purpose: ProofPurpose },
    isProven: () => boolean,
  ): void {
    const now = this.#nowSeconds()
    const claims = challengeSchema.safeParse(
      readClaims(challenge, this.#key, { audience: AUDIENCE, now }),
    )
    if (!claims.success) throw badToken(claims.error)
    const { sub, jti, exp, boot, purpose: madeFor } = claims.data
    const isOurs = sub === nodeId && madeFor === purpose && boot === this.#boot
    if (!isOurs || this.#used.has(jti) || !isProven()) throw badToken()
    this.#forgetEnded(now)
    this.#used.set(jti, exp)
  }

  /** One that ended a while ago, whatever the tolerance of clocks, is refused by its time. */
  #forgetEnded(now: number): void {
    for (const [jti, exp] of this.#used) {
      if (exp + LIFETIME_SECONDS[AUDIENCE] > now) return
      this.#used.delete(jti)
    }
  }
}
