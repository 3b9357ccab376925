import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { FederationError } from '#protocol/errors.js'
import type { NodeId } from '#protocol/ids.js'
import { parseAck } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { Entry } from '#coordinator/auth/gate.js'
import type { NodeLink, Session } from '#coordinator/fleet/registry.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { Operations } from '#coordinator/ops/operations.js'
import type { Live } from '#coordinator/live/live.js'
import { admitTo, allowRequest, assertMaySend, rememberWay, type Doors } from './admission.js'
import { answerMessages, type Handle } from './answer-messages.js'
import { letGo, MessageGuard, SubjectSockets, watchBacklog } from './guards.js'
import { servePerson } from './people.js'
import { receive } from './receive.js'
import { SOCKET_SETTINGS } from './settings.js'

/** A node acknowledges before it works; one that is silent this long has lost its mind or its line. */
const ACK_TIMEOUT_MS = 30_000

export interface SocketServerOptions {
  readonly server: HttpServer
  readonly auth: Doors
  readonly fleet: SocketFleet
  /** What pages watch. */
  readonly live: Live
  /** Nodes are let in when the coordinator has taken up its runs. */
  readonly ready: Promise<void>
  readonly ops: Operations
  readonly onError: (error: FederationError) => void
}
export interface SocketServer {
  readonly io: Server
  /** Ends every connection; nodes come back by themselves when there is a coordinator again. */
  close(): void
}

/** Serves nodes on the namespace `/fl`, people on `/ui`. */
export function serveSockets(options: SocketServerOptions): SocketServer {
  const { auth: doors, ready } = options
  const io = new Server(options.server, {
    ...SOCKET_SETTINGS,
    transports: ['websocket'],
    allowRequest: allowRequest(doors),
  })
  io.engine.on('connection', (raw: EngineSocket) => {
    // Of the request that opened it little is needed any more, and it is large.
    rememberWay(raw)
    raw.request = null
    watchBacklog(raw, options.ops)
    letGo(raw)
  })
  // The library opens this one by itself; whoever sat in it would escape the time limit for connecting.
  io.use((_socket, next) => next(new FederationError('auth/forbidden', 'Invalid namespace')))
  const nodes = io.of('/fl').use(admitTo('/fl', { doors, ready }))
  const people = io.of('/ui').use(admitTo('/ui', { doors, ready }))
  const sockets = new SubjectSockets(options.ops)
  nodes.on('connection', (socket) => {
    sockets.enter((socket.data as Entry).who.subject, socket)
    serveNode(options, socket)
  })
  people.on('connection', (socket) => {
    sockets.enter((socket.data as Entry).who.subject, socket)
    servePerson(options, socket)
  })
  return { io, close: () => void io.engine.close() }
}

type EngineSocket = Parameters<typeof watchBacklog>[0] & { request: unknown }

function serveNode(options: SocketServerOptions, socket: Socket): void {
  const { fleet, ops, live } = options
  const entry = socket.data as Entry
  const nodeId = entry.who.subject as NodeId
  const link = linkTo(socket)
  let session: Session | null = null
  const guard = new MessageGuard(ops, () => socket.conn.close())

  const handle: Handle = (name, value) =>
    guard.run(name, value, async () => {
      assertMaySend(entry, '/fl', name)
      const ack = await receive(name, value, {
        ...{ fleet, session },
        join: ({ name: nodeName, card, policy }) => {
          session = { nodeId, name: nodeName, card, policy, link }
          fleet.join(session)
        },
      })
      // Who watches nodes sees how far they are.
      live.news.changed('nodes')
      return ack
    })
  answerMessages(options, socket, handle)
  socket.on('disconnect', () => {
    guard.end()
    if (session === null) return
    fleet.leave(session)
    live.news.changed('nodes')
  })
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
