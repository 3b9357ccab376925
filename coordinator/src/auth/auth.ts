import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import { Challenges } from './challenges.js'
import { Gate } from './gate.js'
import { Presence } from './presence.js'
import { createTokens, type Tokens } from './tokens.js'

/** Everything that decides who gets in. */
export interface Auth {
  readonly tokens: Tokens
  readonly challenges: Challenges
  readonly gate: Gate
  readonly presence: Presence
}

export async function createAuth(parts: {
  readonly secret: Buffer
  readonly store: Store
  readonly clock: Clock
}): Promise<Auth> {
  const { secret, store, clock } = parts
  const [tokens, presence] = [createTokens(secret), new Presence(clock)]
  const gate = await Gate.open({ store, tokens, presence, clock })
  return { tokens, challenges: new Challenges(secret), gate, presence }
}
