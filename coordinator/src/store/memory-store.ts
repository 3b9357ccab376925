import { FederationError } from '#protocol/errors.js'
import type { Hash, NodeId, RunId, Slot } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate, RosterEntry } from '#protocol/record.js'
import { MemoryBlobs } from './memory-blobs.js'
import { deleteUnreachable, type RunRoots } from './reachable.js'
import type {
  AcceptOutcome,
  AuditRow,
  BlobStore,
  CodeRow,
  EventRow,
  Head,
  NodeRow,
  RunRow,
  Store,
  UseCodeOutcome,
  UserRow,
} from './store.js'

interface Run {
  readonly row: RunRow
  head: Head
  readonly accepted: Map<string, Map<Slot, AcceptedUpdate>>
  roster: readonly RosterEntry[]
  readonly events: EventRow[]
}

export interface MemoryStoreOptions {
  readonly blobs?: BlobStore
  readonly timestamp?: () => string
}

/** A store that forgets with its process. Each method runs to its end before another starts, so swaps need no lock. */
export class MemoryStore implements Store {
  readonly blobs: BlobStore
  readonly #timestamp: () => string
  readonly #runs = new Map<RunId, Run>()
  readonly #nodes = new Map<NodeId, NodeRow>()
  readonly #codes = new Map<Hash, CodeRow>()
  readonly #users = new Map<string, UserRow>()
  readonly #denied = new Map<string, string>()
  readonly #audit: AuditRow[] = []

  constructor(options: MemoryStoreOptions = {}) {
    this.blobs = options.blobs ?? new MemoryBlobs()
    this.#timestamp = options.timestamp ?? (() => new Date().toISOString())
  }

  async createRun(row: RunRow, head: Head): Promise<void> {
    if (this.#runs.has(row.runId))
      throw new FederationError('internal/bug', `The run ${row.runId} exists already`)
    this.#runs.set(row.runId, { row, head, accepted: new Map(), roster: [], events: [] })
  }
  async run(runId: RunId): Promise<RunRow | null> {
    return this.#runs.get(runId)?.row ?? null
  }
  async runs(): Promise<readonly RunRow[]> {
    return [...this.#runs.values()].map((run) => run.row)
  }
  async head(runId: RunId): Promise<Head | null> {
    return this.#runs.get(runId)?.head ?? null
  }

  async advance(runId: RunId, from: Head, to: Head): Promise<boolean> {
    const run = this.#runs.get(runId)
    if (run === undefined || canonicalJson(run.head) !== canonicalJson(from)) return false
    run.head = to
    return true
  }

  async accept(
    runId: RunId,
    at: Pick<Head, 'epoch' | 'round' | 'attempt'>,
    update: AcceptedUpdate,
  ): Promise<AcceptOutcome> {
    const run = this.#existing(runId)
    const round = this.#roundOf(run, at)
    const earlier = round.get(update.slot)
    if (earlier?.updateId === update.updateId) return { status: 'accepted' }
    if (!isOpen(run.head, at)) return { status: 'closed' }
    if (earlier !== undefined) return { status: 'conflict' }
    round.set(update.slot, update)
    return { status: 'accepted' }
  }
  async accepted(runId: RunId, round: number, attempt: number): Promise<readonly AcceptedUpdate[]> {
    const updates = this.#roundOf(this.#existing(runId), { round, attempt })
    return [...updates.values()].sort((a, b) => a.slot - b.slot)
  }

  async enlist(runId: RunId, member: Omit<RosterEntry, 'slot'>): Promise<RosterEntry> {
    const run = this.#existing(runId)
    const known = run.roster.find(
      (entry) => entry.nodeId !== null && entry.nodeId === member.nodeId,
    )
    if (known !== undefined) return known
    const entry = { ...member, slot: run.roster.length }
    run.roster = [...run.roster, entry]
    return entry
  }
  async updateEngine(runId: RunId, slot: Slot, engine: RosterEntry['engine']): Promise<void> {
    const run = this.#existing(runId)
    run.roster = run.roster.map((entry) => (entry.slot === slot ? { ...entry, engine } : entry))
  }
  async roster(runId: RunId): Promise<readonly RosterEntry[]> {
    return this.#existing(runId).roster
  }
  async memberCount(runId: RunId): Promise<number> {
    return this.#existing(runId).roster.length
  }

  async appendEvent(runId: RunId, type: string, data: JsonObject): Promise<EventRow> {
    const { events } = this.#existing(runId)
    const event = { seq: events.length + 1, at: this.#timestamp(), type, data }
    events.push(event)
    return event
  }
  async events(runId: RunId, afterSeq: number, limit: number): Promise<readonly EventRow[]> {
    return this.#existing(runId).events.slice(afterSeq, afterSeq + limit)
  }
  async lastSeq(runId: RunId): Promise<number> {
    return this.#existing(runId).events.length
  }

  async addNode(node: NodeRow): Promise<void> {
    this.#nodes.set(node.nodeId, node)
  }
  async node(nodeId: NodeId): Promise<NodeRow | null> {
    return this.#nodes.get(nodeId) ?? null
  }
  async nodes(): Promise<readonly NodeRow[]> {
    return [...this.#nodes.values()]
  }
  async revokeNode(nodeId: NodeId, at: string): Promise<boolean> {
    const node = this.#nodes.get(nodeId)
    if (node === undefined || node.revokedAt !== null) return false
    this.#nodes.set(nodeId, { ...node, revokedAt: at })
    return true
  }
  async replaceKey(nodeId: NodeId, from: string, to: string): Promise<boolean> {
    const node = this.#nodes.get(nodeId)
    if (node?.publicKey !== from || node.revokedAt !== null) return false
    this.#nodes.set(nodeId, { ...node, publicKey: to })
    return true
  }
  async addCode(code: CodeRow): Promise<void> {
    this.#codes.set(code.codeHash, code)
  }
  async useCode(codeHash: Hash, purpose: CodeRow['purpose'], now: string): Promise<UseCodeOutcome> {
    const code = this.#codes.get(codeHash)
    const outcome = judgeCode(code, purpose, now)
    if (code !== undefined && outcome.status === 'used-now')
      this.#codes.set(codeHash, { ...code, usedAt: now })
    return outcome
  }

  async addUser(user: UserRow): Promise<boolean> {
    if (this.#users.has(user.name)) return false
    this.#users.set(user.name, user)
    return true
  }
  async user(name: string): Promise<UserRow | null> {
    return this.#users.get(name) ?? null
  }
  async users(): Promise<readonly UserRow[]> {
    return [...this.#users.values()]
  }
  async replaceUser(from: UserRow, to: UserRow): Promise<boolean> {
    const known = this.#users.get(from.name)
    if (known === undefined || canonicalJson(known) !== canonicalJson(from)) return false
    this.#users.set(from.name, to)
    return true
  }
  async denyToken(jti: string, until: string): Promise<void> {
    this.#denied.set(jti, until)
  }
  async deniedTokens(now: string): Promise<readonly string[]> {
    for (const [jti, until] of [...this.#denied]) if (until <= now) this.#denied.delete(jti)
    return [...this.#denied.keys()]
  }

  async appendAudit(row: AuditRow): Promise<boolean> {
    if (row.seq !== this.#audit.length + 1) return false
    this.#audit.push(row)
    return true
  }
  async audits(afterSeq: number, limit: number): Promise<readonly AuditRow[]> {
    return this.#audit.slice(afterSeq, afterSeq + limit)
  }
  async lastAudit(): Promise<AuditRow | null> {
    return this.#audit.at(-1) ?? null
  }

  async collectGarbage(graceMs: number): Promise<number> {
    return deleteUnreachable(this.blobs, graceMs, async () =>
      [...this.#runs.values()].map((run) => this.#rootsOf(run)),
    )
  }
  async close(): Promise<void> {
    return Promise.resolve()
  }

  #rootsOf(run: Run): RunRoots {
    const open = run.head.openingHash === null ? [] : [...this.#roundOf(run, run.head).values()]
    return { run: run.row, head: run.head, accepted: open }
  }
  #existing(runId: RunId): Run {
    const run = this.#runs.get(runId)
    if (run === undefined) throw unknownRun(runId)
    return run
  }
  #roundOf(
    run: Run,
    { round, attempt }: Pick<Head, 'round' | 'attempt'>,
  ): Map<Slot, AcceptedUpdate> {
    const key = `${round}.${attempt}`
    const updates = run.accepted.get(key) ?? new Map<Slot, AcceptedUpdate>()
    run.accepted.set(key, updates)
    return updates
  }
}

export const unknownRun = (runId: RunId): FederationError =>
  new FederationError('run/not-found', `There is no run ${runId}`)

/** Whether updates of this round and attempt may still be accepted by a coordinator of this epoch. */
export const isOpen = (head: Head, at: Pick<Head, 'epoch' | 'round' | 'attempt'>): boolean =>
  head.state === 'COLLECTING' &&
  head.epoch === at.epoch &&
  head.round === at.round &&
  head.attempt === at.attempt

/** What presenting a code yields. Timestamps are ISO 8601 in UTC, so they compare as text. */
export function judgeCode(
  code: CodeRow | undefined,
  purpose: CodeRow['purpose'],
  now: string,
): UseCodeOutcome {
  if (code === undefined || code.purpose !== purpose) return { status: 'unknown' }
  if (code.usedAt !== null) return { status: 'used-before' }
  if (code.expiresAt <= now) return { status: 'expired' }
  return { status: 'used-now', subject: code.subject }
}
