/** Who comes in at a namespace, and whether what they send is theirs to send: reliability specification §2, T1, T2, T15. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'socket.io'
import { asFederationError, FederationError } from '#protocol/errors.js'
import type { Auth } from '#coordinator/auth/auth.js'
import { sessionOf, type Way } from '#coordinator/auth/cookies.js'
import type { Entry } from '#coordinator/auth/gate.js'
import { badToken } from '#coordinator/auth/jwt.js'
import { assertMay, PERMISSIONS } from '#coordinator/auth/permissions.js'
import type { TokenKind } from '#coordinator/auth/tokens.js'

export type Doors = Pick<Auth, 'gate' | 'origins'>
/** Nodes come in at the one, people at the other; there is no third. */
export type Namespace = '/fl' | '/ui'

/** What is kept of the request that opened a connection, which is large. */
const WAYS = new WeakMap<object, Way>()

/** To be called with each connection, while it still has its request. */
export function rememberWay(connection: { readonly request: unknown }): void {
  const { headers, socket } = connection.request as IncomingMessage
  const isTls = 'encrypted' in socket && socket.encrypted === true
  WAYS.set(connection, { isTls, cookieHeader: headers.cookie, origin: headers.origin })
}

/** Before there is a connection: a page of another site gets none, and hears 403 where the library would say 400. */
export const allowRequest =
  ({ origins }: Doors) =>
  (
    request: IncomingMessage,
    decide: (error: string | null | undefined, isAllowed: boolean) => void,
  ): void => {
    try {
      origins.assertAllowed(request.headers.origin, { isByCookie: false })
      decide(null, true)
    } catch (cause) {
      request.socket.write(
        'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      )
      request.socket.end()
      decide(asFederationError(cause).code, false)
    }
  }

/** Lets a socket in, for as long as its token is good; who it speaks for is set here and by nothing else. */
export const admitTo =
  (
    namespace: Namespace,
    { doors, ready }: { readonly doors: Doors; readonly ready: Promise<void> },
  ) =>
  (socket: Socket, next: (error?: Error) => void): void => {
    admit(socket, { namespace, doors, ready }).then(
      () => next(),
      (error: unknown) => next(refusal(asFederationError(error))),
    )
  }

interface Admission {
  readonly namespace: Namespace
  readonly doors: Doors
  readonly ready: Promise<void>
}
async function admit(socket: Socket, { namespace, doors, ready }: Admission): Promise<void> {
  await ready
  const way = WAYS.get(socket.conn)
  const { token, kind } = shownBy(socket, namespace, way)
  doors.origins.assertAllowed(way?.origin, { isByCookie: kind === 'session' })
  // With the end of a token its holder comes back with another, if they may.
  const end = (): void => void socket.conn.close()
  const entry = await doors.gate.enter(token, kind, end)
  socket.conn.once('close', () => entry.stay.leave())
  if (socket.conn.readyState === 'closed') entry.stay.leave()
  assertMay(entry.who, namespace)
  socket.data = entry
}

/** A token, or of a person's browser the session in a cookie. */
function shownBy(
  { handshake }: Socket,
  namespace: Namespace,
  way: Way | undefined,
): { readonly token: string; readonly kind: TokenKind } {
  const given: unknown = (handshake.auth as Record<string, unknown>)['token']
  const kind = namespace === '/fl' ? 'fl-client' : 'people'
  if (given !== undefined) return { token: typeof given === 'string' ? given : '', kind }
  const session = kind === 'people' && way !== undefined ? sessionOf(way) : null
  if (session === null) throw badToken()
  return { token: session, kind: 'session' }
}

const refusal = (error: FederationError): Error =>
  Object.assign(new FederationError(error.code, error.message), {
    data: { problem: error.toProblem() },
  })

/**
 * Before each message is looked at. Throws `auth/bad-token` when the right to be here has ended meanwhile, `auth/forbidden`,
 * and `message/malformed` for a message that the table does not name.
 */
export function assertMaySend({ who, stay }: Entry, namespace: Namespace, name: string): void {
  if (stay.isOver) throw badToken()
  if (PERMISSIONS.has(`${namespace} ${name}`)) assertMay(who, `${namespace} ${name}`)
  else throw new FederationError('message/malformed', `There is no message '${name.slice(0, 40)}'`)
}
