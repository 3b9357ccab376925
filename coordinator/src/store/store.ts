import type { Hash, NodeId, RunId, Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate, Engine, RosterEntry, RunRecord } from '#protocol/record.js'
import type { Role } from '#protocol/roles.js'
import type { RunConfig } from '#protocol/run-config.js'

/**
 * Where a round is. PLANNED: nothing sent yet. COLLECTING: an opening is stored and updates are accepted.
 * FROZEN: the accepted set is final; what follows depends on nothing else. DONE: the program has no further round.
 * STOPPED and FAILED keep `reason`.
 */
export type HeadState = 'PLANNED' | 'COLLECTING' | 'FROZEN' | 'DONE' | 'STOPPED' | 'FAILED'

/** The one mutable record of a run. Everything it points at is immutable and content-addressed. */
export interface Head {
  /** Fence: a coordinator that takes the run over adds one; writes of an older epoch fail. */
  readonly epoch: number
  /** The next round to close; 0 is the initial evaluation. */
  readonly round: number
  readonly attempt: number
  readonly state: HeadState
  readonly stateHash: Hash
  readonly modelHash: Hash
  /** The latest RoundRecord blob; the records chain backwards from it. */
  readonly recordHash: Hash | null
  /** The Opening blob while COLLECTING or FROZEN. */
  readonly openingHash: Hash | null
  /** Blob: JSON map slot → hash of a personal bundle awaiting delivery; null: none. */
  readonly personalHash: Hash | null
  readonly reason: string | null
  /** Attempts of this round that failed for want of reporters; one that a crash or a person ended does not count. */
  readonly failures: number
  /** Hash of the latest entry of the audit log when this head was written; null: the log was empty. */
  readonly auditHead: Hash | null
  /** Blob: what the privacy audit before the first round has come to so far (`GateRecord`). Absent: nothing. */
  readonly gateHash?: Hash
}

export interface RunRow {
  readonly runId: RunId
  readonly name: string
  readonly kind: RunRecord['kind']
  readonly createdAt: string
  /** The engine of the compute worker that started the run. */
  readonly engine: Engine
  readonly config: RunConfig
  readonly configHash: Hash
}
export interface NodeRow {
  readonly nodeId: NodeId
  readonly name: string
  /**
   * Ed25519, SPKI DER in base64url. `sha256:` and a hash: enrolled with an older version, whose nodes had secrets; it brings
   * a key with its next start.
   */
  readonly publicKey: string
  readonly enrolledAt: string
  readonly revokedAt: string | null
}
/** A one-time code. Stored as its SHA-256; `purpose` says what it opens. */
export interface CodeRow {
  readonly codeHash: Hash
  readonly purpose: 'enrol-node' | 'sign-in'
  /** Whom it lets in: a person's name for a sign-in, null for a node. */
  readonly subject: string | null
  readonly expiresAt: string
  readonly usedAt: string | null
}
export interface UserRow {
  readonly name: string
  readonly role: Role
  /** argon2id in its standard text form; null until the person has chosen a password. */
  readonly passwordHash: string | null
  /** Tokens carry it: one more, and all that were issued before are void. */
  readonly tokenVersion: number
  readonly createdAt: string
  readonly revokedAt: string | null
}
/** One entry of the audit log. Each holds the hash of the one before it, so none can be changed, dropped or moved unseen. */
export interface AuditRow {
  /** 1, 2, 3 … without gaps. */
  readonly seq: number
  readonly at: string
  /** `user:NAME`, `node:ID`, `operator` (who reads the data directory) or `coordinator`. */
  readonly actor: string
  /** For example `node.revoke`. */
  readonly action: string
  /** What an action was to do is written before it; what came of it, after. */
  readonly phase: 'intent' | 'done' | 'failed'
  /** What it concerns: a run, node or user. */
  readonly subject: string | null
  readonly data: JsonObject
  readonly previous: Hash | null
  /** SHA-256 of the canonical JSON of everything above. */
  readonly hash: Hash
}
export interface EventRow {
  /** 1, 2, 3 … within a run, without gaps. */
  readonly seq: number
  readonly at: string
  readonly type: string
  readonly data: JsonObject
}

export type AcceptOutcome =
  /** Appended now, or the same updateId was there already: answer the node the same either way. */
  | { readonly status: 'accepted' }
  /** Another update of that slot is there. */
  | { readonly status: 'conflict' }
  /** The head is not COLLECTING this round and attempt in this epoch. */
  | { readonly status: 'closed' }

export type UseCodeOutcome =
  | { readonly status: 'used-now'; readonly subject: string | null }
  | { readonly status: 'unknown' | 'used-before' | 'expired' }

/**
 * Durable state of a coordinator. For rounds the whole contract is two compare-and-swaps, `accept` and `advance`;
 * blobs are written before the swap that makes them reachable. Every promise resolves after the data are durable.
 * Rejects with `store/io`, `store/corrupt`, `store/locked`, `store/newer-version`.
 */
export interface Store {
  readonly blobs: BlobStore

  createRun(run: RunRow, head: Head): Promise<void>
  run(runId: RunId): Promise<RunRow | null>
  runs(): Promise<readonly RunRow[]>
  head(runId: RunId): Promise<Head | null>
  /** Replaces the head if it still equals `from`. Two racing callers: exactly one gets true. */
  advance(runId: RunId, from: Head, to: Head): Promise<boolean>
  /** Appends to the open round if the head is COLLECTING (epoch, round, attempt) and the slot is absent. */
  accept(
    runId: RunId,
    at: Pick<Head, 'epoch' | 'round' | 'attempt'>,
    update: AcceptedUpdate,
  ): Promise<AcceptOutcome>
  /** In slot order. */
  accepted(runId: RunId, round: number, attempt: number): Promise<readonly AcceptedUpdate[]>

  /** Appends a member if the node is not in the roster yet; slots are given out in order, racing callers get different ones. */
  enlist(runId: RunId, member: Omit<RosterEntry, 'slot'>): Promise<RosterEntry>
  /** Replaces what may change: engine. */
  updateEngine(runId: RunId, slot: Slot, engine: RosterEntry['engine']): Promise<void>
  roster(runId: RunId): Promise<readonly RosterEntry[]>
  /** How many are in the roster, without reading them. */
  memberCount(runId: RunId): Promise<number>

  appendEvent(runId: RunId, type: string, data: JsonObject): Promise<EventRow>
  events(runId: RunId, afterSeq: number, limit: number): Promise<readonly EventRow[]>
  /** Number of the latest event; 0: there is none. */
  lastSeq(runId: RunId): Promise<number>

  addNode(node: NodeRow): Promise<void>
  node(nodeId: NodeId): Promise<NodeRow | null>
  nodes(): Promise<readonly NodeRow[]>
  revokeNode(nodeId: NodeId, at: string): Promise<boolean>
  /** Replaces the public key of a node that is not revoked, if it still is `from`. */
  replaceKey(nodeId: NodeId, from: string, to: string): Promise<boolean>
  addCode(code: CodeRow): Promise<void>
  /** Marks the code used. Two racing callers: exactly one gets 'used-now'. */
  useCode(codeHash: Hash, purpose: CodeRow['purpose'], now: string): Promise<UseCodeOutcome>

  /** False if the name is taken, by someone revoked too. */
  addUser(user: UserRow): Promise<boolean>
  user(name: string): Promise<UserRow | null>
  users(): Promise<readonly UserRow[]>
  /** Replaces a person's row if it still equals `from`. */
  replaceUser(from: UserRow, to: UserRow): Promise<boolean>
  /** A token that ended before its time; forgotten after `until`, when it has ended by itself. */
  denyToken(jti: string, until: string): Promise<void>
  deniedTokens(now: string): Promise<readonly string[]>

  /** Appends if `row.seq` is the next number. Two racing callers: exactly one gets true. */
  appendAudit(row: AuditRow): Promise<boolean>
  audits(afterSeq: number, limit: number): Promise<readonly AuditRow[]>
  lastAudit(): Promise<AuditRow | null>

  /**
   * Deletes blobs that no head, opening, accepted update, record or personal map reaches, unless they were written less than
   * `graceMs` ago: those may be on their way to the swap that makes them reachable. Returns how many.
   */
  collectGarbage(graceMs: number): Promise<number>
  close(): Promise<void>
}

/** Content-addressed bytes. */
export interface BlobStore {
  /** Idempotent. Durable when it resolves. */
  put(bytes: Uint8Array): Promise<Hash>
  /** Null if absent. Checks the hash: rejects with `store/corrupt` if the bytes changed. */
  get(hash: Hash): Promise<Uint8Array | null>
  has(hash: Hash): Promise<boolean>
  size(hash: Hash): Promise<number | null>
  /** Makes the blob as young as if it were put now; false if it is not there. */
  touch(hash: Hash): Promise<boolean>
  /** A file that holds exactly these bytes, where there is one: lets HTTP and workers read without a copy. */
  path(hash: Hash): string | null
  /** Starts or resumes a staged upload of `bytes` bytes that must hash to `sha256`. */
  stage(uploadId: string, sha256: Hash, bytes: number): Promise<StagedBlob>
  delete(hash: Hash): Promise<void>
  /** Addresses of blobs last put at least `olderThanMs` ago. */
  list(olderThanMs: number): AsyncIterable<Hash>
}
export interface StagedBlob {
  /** Bytes safely staged so far; an upload goes on from here. */
  readonly received: number
  append(chunk: Uint8Array): Promise<void>
  /** Verifies length and hash, moves the bytes to their address. Rejects with `update/corrupt` and drops the staging. */
  finish(): Promise<Hash>
  drop(): Promise<void>
}
