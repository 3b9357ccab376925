/** What keeps one connection from taking more than its share: reliability specification §2, T7, T11, T12. */
import type { Socket } from 'socket.io'
import { FederationError } from '#protocol/errors.js'
import { decodeFrame } from '#protocol/frame.js'
import { CHUNK_BYTES, CHUNK_CREDITS } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { Operations } from '#coordinator/ops/operations.js'
import { TokenBucket } from '#coordinator/ops/token-bucket.js'
import type { MessageOutcome } from '#coordinator/ops/metrics.js'
import type { Place } from '#coordinator/ops/upload-gate.js'
import { bytesOf, RECEIVED } from './receive.js'

const KNOWN: ReadonlySet<string> = new Set(RECEIVED)
/** Names that peers make up share one bucket, and one label. */
const kindOf = (name: string): string => (KNOWN.has(name) ? name : 'other')

/** One connection's share of messages and of room for uploads. */
export class MessageGuard {
  readonly #ops: Operations
  readonly #close: () => void
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #gone = new AbortController()
  #atOnce = 0
  #chunks = 0
  #refused = 0
  #place: Place | null = null

  /** `close`: ends the connection of a peer that does not stop. */
  constructor(ops: Operations, close: () => void) {
    this.#ops = ops
    this.#close = close
  }

  /** Does the work of a message if the connection may have it done now. Throws `auth/too-many-tries`, `upload/…`. */
  async run(name: string, value: unknown, work: () => Promise<object>): Promise<object> {
    const kind = kindOf(name)
    this.#atOnce += 1
    try {
      this.#assertShare(kind)
      const ack = await this.#withRoom(kind, value, work)
      this.#count(kind, 'ok')
      return ack
    } catch (error) {
      this.#count(kind, outcomeOf(error))
      throw error
    } finally {
      this.#atOnce -= 1
    }
  }

  /** The connection has ended. */
  end(): void {
    this.#gone.abort(new FederationError('coordinator/unreachable', 'The connection has ended'))
    this.#leave()
  }

  #assertShare(kind: string): void {
    const { limits } = this.#ops
    if (this.#atOnce > limits.messagesAtOnce) throw this.#tooMany('Too many messages at once')
    if (!this.#bucketOf(kind).take()) throw this.#tooMany('Too many messages a second')
    if (kind === 'update:chunk' && this.#chunks >= CHUNK_CREDITS) {
      const message = `More than ${CHUNK_CREDITS} chunks are unacknowledged; begin again to learn where to go on`
      throw new FederationError('upload/out-of-order', message)
    }
  }

  #tooMany(message: string): FederationError {
    this.#refused += 1
    if (this.#refused === this.#ops.limits.refusedMessages) {
      this.#ops.metrics.socketClosed('flood')
      this.#close()
    }
    return new FederationError('auth/too-many-tries', message)
  }

  #bucketOf(kind: string): TokenBucket {
    const known = this.#buckets.get(kind)
    if (known !== undefined) return known
    const { clock, limits } = this.#ops
    const bucket = new TokenBucket(clock, kind === 'update:chunk' ? limits.chunks : limits.messages)
    this.#buckets.set(kind, bucket)
    return bucket
  }

  async #withRoom(kind: string, value: unknown, work: () => Promise<object>): Promise<object> {
    if (kind === 'update:begin') return this.#begin(work)
    if (kind === 'update:chunk') return this.#chunk(value, work)
    // What has arrived lies on disk: the verdict is not waited for in the place of another upload.
    if (kind === 'update:finish' || kind === 'task:failed') this.#leave()
    return this.#counted(work)
  }

  /** In its turn, and not while the coordinator stops: the node asks again when it is back. */
  async #begin(work: () => Promise<object>): Promise<object> {
    if (this.#ops.drain.isDraining) await new Promise(() => undefined)
    const signal = this.#gone.signal
    if (this.#place === null || this.#place.isLost) {
      const place = await this.#ops.uploads.enter(signal)
      // The connection may have begun twice, or ended, while it waited.
      if (this.#place !== null && !this.#place.isLost) place.leave()
      else this.#place = place
    }
    try {
      const ack = await this.#counted(work)
      if (!('nextChunk' in ack)) this.#leave()
      return ack
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async #chunk(value: unknown, work: () => Promise<object>): Promise<object> {
    const place = this.#place
    if (place === null) {
      unwrap(decodeFrame(bytesOf(value), { maxChunkBytes: CHUNK_BYTES }))
      const message = 'There is no such upload; begin it again'
      throw new FederationError('upload/out-of-order', message)
    }
    if (place.isLost) {
      const message = 'The upload stood still and lost its place; begin it again'
      throw new FederationError('upload/too-slow', message)
    }
    this.#chunks += 1
    try {
      const ack = await this.#counted(work)
      const bytes = value instanceof Uint8Array ? value.byteLength : 0
      place.received(bytes)
      this.#ops.metrics.uploaded(bytes)
      return ack
    } finally {
      this.#chunks -= 1
    }
  }

  async #counted(work: () => Promise<object>): Promise<object> {
    const leave = this.#ops.drain.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  #leave(): void {
    this.#place?.leave()
    this.#place = null
  }
  #count(kind: string, outcome: MessageOutcome): void {
    this.#ops.metrics.message(kind, outcome)
  }
}

function outcomeOf(error: unknown): MessageOutcome {
  if (!(error instanceof FederationError)) return 'failed'
  if (error.code === 'auth/too-many-tries') return 'limited'
  return error.status >= 500 ? 'failed' : 'refused'
}

/** Sockets of one node or person: a further one ends the oldest, so that a line that died unnoticed keeps nobody out. */
export class SubjectSockets {
  readonly #ops: Operations
  readonly #bySubject = new Map<string, Set<Socket>>()

  constructor(ops: Operations) {
    this.#ops = ops
  }

  enter(subject: string, socket: Socket): void {
    const sockets = this.#bySubject.get(subject) ?? new Set()
    this.#bySubject.set(subject, sockets.add(socket))
    socket.once('disconnect', () => {
      sockets.delete(socket)
      if (sockets.size === 0) this.#bySubject.delete(subject)
    })
    const [oldest] = sockets
    if (sockets.size <= this.#ops.limits.socketsPerSubject || oldest === undefined) return
    this.#ops.metrics.socketClosed('replaced')
    oldest.disconnect(true)
  }
}

/** The connection under a socket, as far as it is looked at here: socket.io does not tell how much waits to be sent. */
interface RawConnection {
  readonly transport: { readonly socket: { readonly bufferedAmount: number; terminate(): void } }
  on(event: 'packetCreate', listener: (packet: { readonly data?: unknown }) => void): void
  on(event: 'flush', listener: () => void): void
  once(event: 'close', listener: () => void): void
}

/**
 * Ends a connection whose peer does not read what it is sent: what waits for it is memory of this process. Announcements are
 * small and models are fetched, so an honest node never has much waiting.
 */
export function watchBacklog(raw: RawConnection, ops: Operations): void {
  let waiting = 0
  let isClosed = false
  raw.on('flush', () => (waiting = 0))
  raw.on('packetCreate', ({ data }) => {
    waiting += sizeOf(data)
    const { socket } = raw.transport
    const queued = waiting + socket.bufferedAmount
    if (isClosed || queued <= ops.limits.queuedBytesPerSocket) return
    isClosed = true
    ops.metrics.socketClosed('backlog')
    // At once: a peer that does not read would not read a farewell either.
    socket.terminate()
  })
}

/** The library would wait half a minute for a peer to answer that the connection is closed. */
const GOODBYE_MS = 1_000

/** Lets go of a closed connection soon, whether or not its peer says goodbye: reliability specification §2, T11. */
export function letGo(raw: RawConnection): void {
  raw.once('close', () => {
    setTimeout(() => raw.transport.socket.terminate(), GOODBYE_MS).unref()
  })
}

/** Characters count as bytes: messages are ASCII but for names. */
const sizeOf = (data: unknown): number => {
  if (typeof data === 'string') return data.length
  return ArrayBuffer.isView(data) ? data.byteLength : 0
}
