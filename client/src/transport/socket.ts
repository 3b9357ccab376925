import { io, type Socket } from 'socket.io-client'
import { FederationError, type Problem } from '#protocol/errors.js'
import { parseAck, type Ack, type AckName } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'

const ACK_TIMEOUT_MS = 60_000
/** Refusals that no reconnection can cure. */
const FINAL_CODES = new Set<string>(['auth/forbidden', 'message/malformed'])

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
  /** Resolves as soon as there is a greeted connection. */
  connected(): Promise<void>
  close(): void
}
export interface LinkOptions {
  readonly url: string
  readonly token: () => Promise<string>
  /** Called after each connection, before `connected` resolves. */
  readonly greet: (link: Pick<Link, 'ask'>) => Promise<void>
  readonly onConnected: () => void
  readonly onLost: (reason: string) => void
  /** A refusal for good: the node leaves. */
  readonly onRefused: (error: FederationError) => void
}

/** A connection to `/fl` that comes back by itself, with jittered back-off, for ever. */
export function openLink(options: LinkOptions): Link {
  const socket: Socket = io(`${options.url.replace(/\/$/, '')}/fl`, {
    transports: ['websocket'],
    reconnectionDelay: 300,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
    auth: (give) => {
      options.token().then(
        (token) => give({ token }),
        (error: unknown) => {
          give({ token: '' })
          refuseIfFinal(options, error)
        },
      )
    },
  })
  let isGreeted = false
  const waiting = new Set<() => void>()
  const link: Link = {
    ask: (event, message) => ask(socket, event, message),
    on: (event, handler) => {
      socket.on(event, (message: unknown, acknowledge?: (ack: Answer) => void) => {
        const ack = handler(message)
        acknowledge?.(ack)
      })
    },
    connected: () =>
      new Promise((resolve) => {
        if (isGreeted && socket.connected) resolve()
        else waiting.add(resolve)
      }),
    close: () => {
      socket.disconnect()
    },
  }
  socket.on('connect', () => {
    options.greet(link).then(
      () => {
        isGreeted = true
        options.onConnected()
        for (const resolve of waiting) resolve()
        waiting.clear()
      },
      (error: unknown) => {
        refuseIfFinal(options, error)
        socket.disconnect().connect()
      },
    )
  })
  socket.on('disconnect', (reason) => {
    isGreeted = false
    options.onLost(reason)
    // The coordinator closed it on purpose (an expired token): the library would not come back by itself.
    if (reason === 'io server disconnect') socket.connect()
  })
  socket.on('connect_error', (error: Error & { data?: { problem?: Problem } }) => {
    const problem = error.data?.problem
    if (problem === undefined) return
    refuseIfFinal(options, new FederationError(problem.code, problem.message))
    if (!socket.active) setTimeout(() => socket.connect(), 1_000).unref()
  })
  return link
}

function refuseIfFinal(options: LinkOptions, error: unknown): void {
  if (
    error instanceof FederationError &&
    (FINAL_CODES.has(error.code) || error.code === 'auth/bad-token')
  ) {
    options.onRefused(error)
  }
}

async function ask<Name extends AckName>(
  socket: Socket,
  name: Name,
  message: unknown,
): Promise<Yes<Name>> {
  if (!socket.connected) throw new FederationError('coordinator/unreachable', 'Not connected')
  let reply: unknown
  try {
    reply = await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(name, message)
  } catch (cause) {
    const text = `No acknowledgement of ${name}`
    throw new FederationError('coordinator/unreachable', text, { cause })
  }
  const ack: Ack<AckName> = unwrap(parseAck(name, reply))
  if (!ack.ok) throw new FederationError(ack.problem.code, ack.problem.message)
  return ack as Yes<Name>
}
