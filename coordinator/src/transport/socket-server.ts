import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { NodeId } from '#protocol/ids.js'
import { parseAck } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { Entry } from '#coordinator/auth/gate.js'
import type { NodeLink, Session } from '#coordinator/fleet/registry.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { Operations } from '#coordinator/ops/operations.js'
import { admitTo, allowRequest, assertMaySend, rememberWay, type Doors } from './admission.js'
import { letGo, MessageGuard, SubjectSockets, watchBacklog } from './guards.js'
import { receive } from './receive.js'
import { SOCKET_SETTINGS } from './settings.js'

/** A node acknowledges before it works; one that is silent this long has lost its mind or its line. */
const ACK_TIMEOUT_MS = 30_000

export interface SocketServerOptions {
  readonly server: HttpServer
  readonly auth: Doors
  readonly fleet: SocketFleet
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
  const { fleet, ops } = options
  const entry = socket.data as Entry
  const nodeId = entry.who.subject as NodeId
  const link = linkTo(socket)
  let session: Session | null = null
  const guard = new MessageGuard(ops, () => socket.conn.close())

  const handle: Handle = (name, value) =>
    guard.run(name, value, async () => {
      assertMaySend(entry, '/fl', name)
      return receive(name, value, {
        ...{ fleet, session },
        join: ({ name: nodeName, card, policy }) => {
          session = { nodeId, name: nodeName, card, policy, link }
          fleet.join(session)
        },
      })
    })
  answerMessages(options, socket, handle)
  socket.on('disconnect', () => {
    guard.end()
    if (session !== null) fleet.leave(session)
  })
}

/** People are told things here; there is nothing yet that they may send. */
function servePerson(options: SocketServerOptions, socket: Socket): void {
  const entry = socket.data as Entry
  const guard = new MessageGuard(options.ops, () => socket.conn.close())
  answerMessages(options, socket, (name, value) =>
    guard.run(`/ui ${name}`, value, async () => {
      assertMaySend(entry, '/ui', name)
      return { ok: true }
    }),
  )
  socket.on('disconnect', () => guard.end())
}

type Handle = (name: string, value: unknown) => Promise<object>

/** Every message gets an acknowledgement, whatever becomes of it. */
function answerMessages(options: SocketServerOptions, socket: Socket, handle: Handle): void {
  socket.onAny((event: unknown, ...rest: unknown[]) => {
    // The library lets a number through where a name belongs.
    const name = String(event)
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
}

/** Our own faults are for the log; a peer learns that there was one. */
function problemOf({ onError }: SocketServerOptions, cause: unknown): Problem {
  const error = asFederationError(cause)
  // A peer that has gone away, or came too early, is no fault of ours, and must not fill the log.
  if (error.status < 500 || error.code === 'coordinator/unreachable') return error.toProblem()
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
