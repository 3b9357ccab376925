import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { NodeId } from '#protocol/ids.js'
import { CHUNK_BYTES, parseAck } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { activeNode } from '#coordinator/auth/enrolment.js'
import type { Tokens } from '#coordinator/auth/tokens.js'
import type { Clock } from '#coordinator/clock.js'
import type { NodeLink, Session } from '#coordinator/fleet/registry.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { Store } from '#coordinator/store/store.js'
import { receive } from './receive.js'

/** A frame is a chunk with its header. */
const FRAME_SLACK_BYTES = 16 * 1024
/** A node acknowledges before it works; one that is silent this long has lost its mind or its line. */
const ACK_TIMEOUT_MS = 30_000
/** Messages of one node that are being handled at the same time; an honest node has five. */
const MOST_AT_ONCE = 32

/** Nothing that a peer sends makes the server allocate more than one chunk; silent connections do not last. */
export const SOCKET_SETTINGS = {
  transports: ['websocket'],
  allowUpgrades: false,
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
  maxHttpBufferSize: CHUNK_BYTES + FRAME_SLACK_BYTES,
  connectTimeout: 5_000,
  pingInterval: 25_000,
  pingTimeout: 20_000,
  allowEIO3: false,
} as const

export interface SocketServerOptions {
  readonly server: HttpServer
  readonly tokens: Tokens
  readonly store: Store
  readonly fleet: SocketFleet
  readonly clock: Clock
  /** Nodes are let in when the coordinator has taken up its runs. */
  readonly ready: Promise<void>
  readonly onError: (error: FederationError) => void
}
export interface SocketServer {
  readonly io: Server
  /** Ends every connection; nodes come back by themselves when there is a coordinator again. */
  close(): void
}

/** Serves nodes on the namespace `/fl`. */
export function serveSockets(options: SocketServerOptions): SocketServer {
  const io = new Server(options.server, { ...SOCKET_SETTINGS, transports: ['websocket'] })
  // The request of the handshake is not needed any more, and large.
  io.engine.on('connection', (raw: { request: unknown }) => (raw.request = null))
  // The library opens this one by itself; whoever sat in it would escape the time limit for connecting.
  io.use((_socket, next) => next(new FederationError('auth/forbidden', 'Invalid namespace')))
  const nodes = io.of('/fl')
  nodes.use((socket, next) => {
    admit(options, socket).then(
      () => next(),
      (error: unknown) => next(refusal(asFederationError(error))),
    )
  })
  nodes.on('connection', (socket) => serveNode(options, socket))
  return { io, close: () => void io.engine.close() }
}

/** Who a socket speaks for; set by the handshake and by nothing else. */
interface Admission {
  readonly nodeId: NodeId
  readonly expiresAt: number
}

async function admit({ tokens, store, ready }: SocketServerOptions, socket: Socket): Promise<void> {
  await ready
  const token: unknown = (socket.handshake.auth as Record<string, unknown>)['token']
  const claims = tokens.verify(typeof token === 'string' ? token : '', 'fl-client')
  const { nodeId } = await activeNode(store, claims.subject)
  socket.data = { nodeId, expiresAt: claims.expiresAt } satisfies Admission
}

const refusal = (error: FederationError): Error =>
  Object.assign(new FederationError(error.code, error.message), {
    data: { problem: error.toProblem() },
  })

function serveNode(options: SocketServerOptions, socket: Socket): void {
  const { fleet, clock } = options
  const { nodeId, expiresAt } = socket.data as Admission
  const link = linkTo(socket)
  let session: Session | null = null
  let atOnce = 0
  // A token lets a node in for as long as it is good; then it comes back with another.
  const expiry = clock.after(expiresAt * 1000 - Date.now(), () => socket.conn.close())

  const handle = async (name: string, value: unknown): Promise<object> => {
    atOnce += 1
    try {
      if (atOnce > MOST_AT_ONCE)
        throw new FederationError('auth/too-many-tries', 'Too many messages at once')
      return await receive(name, value, {
        ...{ fleet, session },
        join: ({ name: nodeName, card, policy }) => {
          session = { nodeId, name: nodeName, card, policy, link }
          fleet.join(session)
        },
      })
    } finally {
      atOnce -= 1
    }
  }
  socket.onAny((name: string, ...rest: unknown[]) => {
    const acknowledge = rest.at(-1)
    handle(name, rest[0])
      .catch((error: unknown) => ({ ok: false, problem: problemOf(options, error) }))
      .then((ack) => {
        if (typeof acknowledge === 'function') (acknowledge as (ack: object) => void)(ack)
        if ('nextChunk' in ack && name === 'update:begin') faultPoint('grant.sent')
        if ('status' in ack && name === 'update:finish') faultPoint('ack.sent')
      })
      .catch((error: unknown) => options.onError(asFederationError(error)))
  })
  // Without a listener an error of the connection would end the process.
  socket.on('error', () => undefined)
  socket.on('disconnect', () => {
    expiry.cancel()
    if (session !== null) fleet.leave(session)
  })
}

/** Our own faults are for the log; a peer learns that there was one. */
function problemOf({ onError }: SocketServerOptions, cause: unknown): Problem {
  const error = asFederationError(cause)
  if (error.status < 500) return error.toProblem()
  onError(error)
  return error.code === 'internal/bug'
    ? { code: error.code, message: "The coordinator's log says more" }
    : error.toProblem()
}

function linkTo(socket: Socket): NodeLink {
  return {
    send: async (name, message) => {
      let reply: unknown
      try {
        reply = await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(name, message)
      } catch (cause) {
        socket.conn.close()
        throw new FederationError('coordinator/unreachable', `No answer to ${name}`, { cause })
      }
      return unwrap(parseAck(name, reply))
    },
    close: () => {
      socket.disconnect(true)
    },
  }
}
