import { io, type Socket } from 'socket.io-client'
import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { parseAck, type Ack, type AckName } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { agentFor, certificateProblem } from './trust.js'

const ACK_TIMEOUT_MS = 60_000
const FIRST_RETRY_MS = 300
const LAST_RETRY_MS = 5_000
/** A token that was fetched for this very connection and is refused so often will never do. */
const MOST_BAD_TOKENS = 3
/** Refusals that no reconnection can cure. */
const FINAL_CODES = new Set<string>([
  'auth/forbidden',
  'auth/bad-token',
  'message/malformed',
  'tls/certificate-changed',
  'tls/certificate-unknown',
])
const isFinal = (error: unknown): error is FederationError =>
  error instanceof FederationError && FINAL_CODES.has(error.code)

/** The part of an acknowledgement that says yes. */
export type Yes<Name extends AckName> = Extract<Ack<Name>, { ok: true }>
/** What a node answers to a message of the coordinator. */
export type Answer = Ack<'round:start'>

export interface Link {
  /**
   * Sends and waits for the acknowledgement. Rejects with the coordinator's problem when it says no, and with
   * `coordinator/unreachable` when the connection is lost first.
   */
  ask<Name extends AckName>(name: Name, message: unknown): Promise<Yes<Name>>
  /** Answers a message of the coordinator; what the handler returns is the acknowledgement. */
  on(event: string, handler: (message: unknown) => Answer): void
  /** Resolves as soon as there is a greeted connection; rejects when the link is closed. */
  connected(): Promise<void>
  close(): void
}
export interface LinkOptions {
  readonly url: string
  readonly token: {
    /** Throws `auth/bad-token` when there is none to be had for this node. */
    get(): Promise<string>
    drop(): void
  }
  /** Called after each connection, before `connected` resolves. */
  readonly greet: (link: Pick<Link, 'ask'>) => Promise<void>
  readonly onConnected: () => void
  readonly onLost: (reason: string) => void
  /** A refusal for good: the link is not tried again. */
  readonly onRefused: (error: FederationError) => void
}

/** A connection to `/fl` that comes back by itself, with jittered back-off, until it is closed or refused for good. */
export const openLink = (options: LinkOptions): Link => new SocketLink(options)

const closedError = (): FederationError =>
  new FederationError('coordinator/unreachable', 'The node has left')

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: FederationError) => void
}

class SocketLink implements Link {
  readonly #options: LinkOptions
  readonly #socket: Socket
  readonly #waiting = new Set<Waiting>()
  #isGreeted = false
  #isClosed = false
  /** Counts connections: what was begun for one that is gone must not go out on the next. */
  #opening = 0
  #triedToken = ''
  #badTokens = 0
  #retries = 0
  #retry: NodeJS.Timeout | null = null

  constructor(options: LinkOptions) {
    this.#options = options
    const agent = agentFor(options.url)
    this.#socket = io(`${new URL(options.url).origin}/fl`, {
      ...(agent === undefined ? {} : { agent: agent as never }),
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: FIRST_RETRY_MS,
      reconnectionDelayMax: LAST_RETRY_MS,
      randomizationFactor: 0.5,
      auth: (give) => void this.#authenticate(give),
    })
    this.#socket.on('connect', () => void this.#greet())
    this.#socket.on('disconnect', (reason) => this.#lost(reason))
    this.#socket.on('connect_error', (error) => this.#notConnected(error))
  }

  async ask<Name extends AckName>(name: Name, message: unknown): Promise<Yes<Name>> {
    if (!this.#socket.connected)
      throw new FederationError('coordinator/unreachable', 'Not connected')
    let reply: unknown
    try {
      reply = await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck(name, message)
    } catch (cause) {
      const text = `No acknowledgement of ${name}`
      throw new FederationError('coordinator/unreachable', text, { cause })
    }
    const ack: Ack<AckName> = unwrap(parseAck(name, reply))
    if (!ack.ok) throw new FederationError(ack.problem.code, ack.problem.message)
    return ack as Yes<Name>
  }

  on(event: string, handler: (message: unknown) => Answer): void {
    this.#socket.on(event, (message: unknown, acknowledge?: (ack: Answer) => void) => {
      acknowledge?.(answerOf(() => handler(message)))
    })
  }

  connected(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#isGreeted && this.#socket.connected) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.add({ resolve, reject }))
  }

  close(): void {
    this.#isClosed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#socket.disconnect()
    for (const { reject } of this.#waiting) reject(closedError())
    this.#waiting.clear()
  }

  async #authenticate(give: (data: object) => void): Promise<void> {
    this.#opening += 1
    const opening = this.#opening
    let token = ''
    try {
      token = await this.#options.token.get()
    } catch (error) {
      if (isFinal(error)) this.#refuse(error)
    }
    // Meanwhile the coordinator may have lost its patience: a node that came in twice on one connection would greet twice.
    if (opening !== this.#opening) return
    this.#triedToken = token
    // Without a token it is refused and tried again: by then the coordinator's HTTP side may be back.
    give({ token: this.#triedToken })
  }

  async #greet(): Promise<void> {
    try {
      await this.#options.greet(this)
    } catch (error) {
      if (isFinal(error)) this.#refuse(error)
      else if (this.#socket.connected) this.#connectLater()
      return
    }
    this.#isGreeted = true
    this.#badTokens = 0
    this.#retries = 0
    this.#options.onConnected()
    for (const { resolve } of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #lost(reason: string): void {
    const wasGreeted = this.#isGreeted
    this.#isGreeted = false
    this.#opening += 1
    // What the library kept for later would go out before the greeting; its senders hear that the connection is lost.
    this.#socket.sendBuffer = []
    if (this.#isClosed) return
    if (wasGreeted) this.#options.onLost(reason)
    if (reason === 'io server disconnect') void this.#sentAway()
  }

  /** The coordinator ends a session on purpose when the node was revoked, or is there a second time. */
  async #sentAway(): Promise<void> {
    this.#options.token.drop()
    try {
      await this.#options.token.get()
    } catch (error) {
      if (isFinal(error)) this.#refuse(error)
      else this.#connectLater()
      return
    }
    const message =
      'Another process has joined as this node; each needs a state directory of its own'
    this.#refuse(new FederationError('store/locked', message))
  }

  #notConnected(error: Error & { data?: { problem?: Problem } }): void {
    const untrusted = certificateProblem(this.#options.url, error)
    if (untrusted !== null) this.#refuse(untrusted)
    const problem = error.data?.problem
    if (problem !== undefined && !this.#mayBeCured(problem))
      this.#refuse(new FederationError(problem.code, problem.message))
    // The library comes back by itself after a lost connection, not after a refusal.
    if (!this.#socket.active) this.#connectLater()
  }

  #mayBeCured({ code }: Problem): boolean {
    if (code !== 'auth/bad-token') return !FINAL_CODES.has(code)
    this.#options.token.drop()
    if (this.#triedToken !== '') this.#badTokens += 1
    return this.#badTokens < MOST_BAD_TOKENS
  }

  #connectLater(): void {
    if (this.#isClosed) return
    this.#socket.disconnect()
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#retries, LAST_RETRY_MS)
    this.#retries += 1
    this.#retry = setTimeout(() => this.#socket.connect(), delay * (0.5 + Math.random()))
  }

  #refuse(error: FederationError): void {
    if (this.#isClosed) return
    this.close()
    this.#options.onRefused(error)
  }
}

function answerOf(handle: () => Answer): Answer {
  try {
    return handle()
  } catch (error) {
    return { ok: false, problem: asFederationError(error).toProblem() }
  }
}
