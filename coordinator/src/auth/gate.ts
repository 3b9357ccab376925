import { isNodeId, type NodeId } from '#protocol/ids.js'
import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import { keyIdOf, notEnrolled } from './enrolment.js'
import { badToken } from './jwt.js'
import { OPERATOR, OPERATOR_GRANT } from './operator.js'
import { versionOf } from './people.js'
import type { Presence, Stay } from './presence.js'
import { endOfSession } from './session.js'
import type { Claims, TokenKind, Tokens } from './tokens.js'

export interface GateParts {
  readonly store: Store
  readonly tokens: Tokens
  readonly presence: Presence
  readonly clock: Clock
}

/** Someone who was let in. */
export interface Entry {
  readonly who: Claims
  readonly stay: Stay
}

/** Holds what a token says against what the store knows by now, and ends what came in with a right that has ended. */
export class Gate {
  readonly #parts: GateParts
  /** Sessions that people have ended; of this process, since the store has no other. */
  readonly #ended: Set<string>

  private constructor(parts: GateParts, ended: Iterable<string>) {
    this.#parts = parts
    this.#ended = new Set(ended)
  }
  static async open(parts: GateParts): Promise<Gate> {
    const { store, clock } = parts
    return new Gate(parts, await store.deniedTokens(clock.timestamp()))
  }

  /**
   * Lets the holder of a token in, until they leave or `end` is called because the right has ended. Throws `auth/bad-token`.
   */
  async enter(token: string, kind: TokenKind, end: () => void): Promise<Entry> {
    const who = this.#parts.tokens.verify(token, kind)
    // Before the store is asked: a right that ends meanwhile ends this too.
    const stay = this.#parts.presence.enter(who, end)
    try {
      await this.#check(who)
      if (stay.isOver) throw badToken()
      return { who, stay }
    } catch (error) {
      stay.leave()
      throw error
    }
  }

  /** Whose token it is, for one that is exchanged at once. Throws `auth/bad-token`. */
  async admit(token: string, kind: TokenKind): Promise<Claims> {
    const who = this.#parts.tokens.verify(token, kind)
    await this.#check(who)
    return who
  }

  /** Throws `auth/bad-token` unless what the token said when it was made is still so. */
  async #check(claims: Claims): Promise<void> {
    const { subject, role, version, audience, sessionId } = claims
    const { store } = this.#parts
    if (audience === 'fl-client') {
      const node = isNodeId(subject) ? await store.node(subject) : null
      const isSame = role === 'node' && node !== null && keyIdOf(node.publicKey) === version
      if (!isSame || node.revokedAt !== null) throw notEnrolled()
      return
    }
    if (this.#ended.has(sessionId)) throw badToken()
    if (subject === OPERATOR) {
      const isOperator = role === OPERATOR_GRANT.role && version === OPERATOR_GRANT.version
      if (!isOperator || audience !== 'people') throw badToken()
      return
    }
    const person = await store.user(subject)
    const isSame = person?.role === role && versionOf(person) === version
    if (!isSame || person.revokedAt !== null) throw badToken()
  }

  /** Ends a session: its tokens are void from now on, and what came in with them is sent away. */
  async endSession(session: Claims): Promise<void> {
    const { sessionId } = session
    this.#ended.add(sessionId)
    this.#parts.presence.end((claims) => claims.sessionId === sessionId)
    await this.#parts.store.denyToken(sessionId, endOfSession(session).toISOString())
  }
  /** To be called when a person's or a node's right has ended or changed in the store: sends away who came in before. */
  expel(subject: NodeId | string): void {
    this.#parts.presence.end((claims) => claims.subject === subject)
  }
}
