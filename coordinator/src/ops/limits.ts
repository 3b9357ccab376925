/**
 * Every limit at the coordinator's edge, once: reliability specification §2 (T7, T8, T11, T12 and the reference settings).
 * What one peer, one address or everyone together can make the process hold is bounded by these numbers and by
 * `SOCKET_SETTINGS` beside the sockets. docs/operations.md shows the table; a test holds the live objects against it.
 */
export interface ServerLimits {
  /** A request's head must be there by then; it is counted from the connection on, so a silent one ends too. */
  readonly headersMs: number
  /** A whole request must be there by then. */
  readonly requestMs: number
  /** How often both are looked at. */
  readonly checkMs: number
  /** A connection without a request is kept this long. */
  readonly keepAliveMs: number
  /** A connection on which nothing moves in either direction ends; longer than the longest poll. */
  readonly idleMs: number
  readonly tlsHandshakeMs: number
  readonly headerBytes: number
  /** A JSON body. */
  readonly bodyBytes: number
  /** All connections together; also a bound on file descriptors. */
  readonly connections: number
  /** Of one IPv4 address, or of one IPv6 network of 64 bits. */
  readonly connectionsPerAddress: number
  /** Of one node, or of one person's pages; a further one ends the oldest. */
  readonly socketsPerSubject: number
  /** HTTP requests of one person or node at the same time. */
  readonly requestsPerSubject: number
  /** Failed tries of codes, passwords and proofs, an address and minute. */
  readonly failuresPerMinute: number
  /** Messages of one connection that are being handled at the same time; an honest node has five. */
  readonly messagesAtOnce: number
  /** Token bucket of each kind of message of one connection. */
  readonly messages: Bucket
  /** The same for chunks of updates. */
  readonly chunks: Bucket
  /** A connection whose messages were refused so often for coming too fast is closed. */
  readonly refusedMessages: number
  /** Updates on their way in: bytes of them that may be in memory, of all nodes together. Others wait for their turn. */
  readonly uploadBytes: number
  /** An upload that has brought fewer bytes than `uploadBytesPerSecond` over this time gives its place to the next. */
  readonly uploadStallMs: number
  readonly uploadBytesPerSecond: number
  /** How long an upload waits for a place before the node is told to ask again: less than it waits for an answer. */
  readonly uploadWaitMs: number
  /** Bytes that wait to be read by one connection; models are not among them, they are fetched. */
  readonly queuedBytesPerSocket: number
  /** Told to stop, what is being handled may still finish for so long. */
  readonly drainMs: number
}
/** `burst` at once, then `perSecond`. */
export interface Bucket {
  readonly burst: number
  readonly perSecond: number
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 5_000,
  keepAliveMs: 5_000,
  idleMs: 120_000,
  tlsHandshakeMs: 10_000,
  headerBytes: 16_384,
  bodyBytes: 65_536,
  connections: 12_000,
  connectionsPerAddress: 1_000,
  socketsPerSubject: 8,
  requestsPerSubject: 32,
  failuresPerMinute: 300,
  messagesAtOnce: 32,
  messages: { burst: 200, perSecond: 50 },
  chunks: { burst: 2_000, perSecond: 1_000 },
  refusedMessages: 1_000,
  uploadBytes: 256e6,
  uploadStallMs: 60_000,
  uploadBytesPerSecond: 4_096,
  uploadWaitMs: 45_000,
  queuedBytesPerSocket: 1_048_576,
  drainMs: 10_000,
}
