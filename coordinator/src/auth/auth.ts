import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import { Challenges } from './challenges.js'
import { Gate } from './gate.js'
import { Origins } from './origins.js'
import { People } from './people.js'
import { Presence } from './presence.js'
import { keyFor } from './jwt.js'
import { createTokens, type Tokens } from './tokens.js'

/** Everything that decides who gets in. */
export interface Auth {
  /** Nobody was known here before: a new secret alone opens no door. */
  readonly isFirstStart: boolean
  readonly tokens: Tokens
  readonly challenges: Challenges
  readonly people: People
  readonly gate: Gate
  readonly presence: Presence
  readonly origins: Origins
  /** Binds what a page sends along to the session in its cookie. */
  readonly csrfSecret: string
}

/** Throws `internal/bug` for a short secret, and what the store throws. */
export async function createAuth(parts: {
  readonly secret: Buffer
  readonly store: Store
  readonly clock: Clock
}): Promise<Auth> {
  const { secret, store, clock } = parts
  const [tokens, presence] = [createTokens(secret), new Presence(clock)]
  const people = new People(store)
  const isFirstStart = await people.ensureAdministrator(clock.timestamp())
  return {
    ...{
      isFirstStart,
      tokens,
      presence,
      people,
      origins: new Origins(),
      challenges: new Challenges(secret),
    },
    gate: await Gate.open({ store, tokens, presence, clock }),
    csrfSecret: keyFor(secret, 'csrf').toString('base64url'),
  }
}
