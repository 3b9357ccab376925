import { faultPoint } from '#protocol/fault-points.js'
import type { Hash, NodeId, RunId, Slot } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate, RosterEntry } from '#protocol/record.js'
import { isOpen, judgeCode, unknownRun } from './memory-store.js'
import { deleteUnreachable, type RunRoots } from './reachable.js'
import type { Sqlite, SqlRow } from './sqlite.js'
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

export interface SqliteStoreOptions {
  readonly blobs: BlobStore
  readonly timestamp: () => string
}

/** Records in the `tributary.db` of a data directory that this process holds. Closing the store closes the database. */
export const createSqliteStore = (database: Sqlite, options: SqliteStoreOptions): Store =>
  new SqliteStore(database, options)

const parse = <T>(row: SqlRow, column: string): T => JSON.parse(String(row[column])) as T

/** Rows hold their record as JSON beside the columns that are searched or must be unique. */
class SqliteStore implements Store {
  readonly blobs: BlobStore
  readonly #db: Sqlite
  readonly #timestamp: () => string

  constructor(db: Sqlite, { blobs, timestamp }: SqliteStoreOptions) {
    this.#db = db
    this.blobs = blobs
    this.#timestamp = timestamp
  }

  async createRun(row: RunRow, head: Head): Promise<void> {
    this.#db.run(
      'INSERT INTO runs (run_id, position, body, head) VALUES (?, (SELECT COUNT(*) FROM runs), ?, ?)',
      row.runId,
      canonicalJson(row),
      canonicalJson(head),
    )
  }
  async run(runId: RunId): Promise<RunRow | null> {
    const row = this.#db.get('SELECT body FROM runs WHERE run_id = ?', runId)
    return row === null ? null : parse<RunRow>(row, 'body')
  }
  async runs(): Promise<readonly RunRow[]> {
    return this.#db
      .all('SELECT body FROM runs ORDER BY position')
      .map((row) => parse<RunRow>(row, 'body'))
  }
  async head(runId: RunId): Promise<Head | null> {
    return this.#head(runId)
  }

  /** Canonical JSON makes "is the head still this one?" a comparison of text inside one statement. */
  async advance(runId: RunId, from: Head, to: Head): Promise<boolean> {
    const sql = 'UPDATE runs SET head = ? WHERE run_id = ? AND head = ?'
    return this.#db.run(sql, canonicalJson(to), runId, canonicalJson(from)) === 1
  }

  async accept(
    runId: RunId,
    at: Pick<Head, 'epoch' | 'round' | 'attempt'>,
    update: AcceptedUpdate,
  ): Promise<AcceptOutcome> {
    const outcome = this.#db.transaction((): AcceptOutcome => {
      const head = this.#head(runId)
      if (head === null) throw unknownRun(runId)
      const earlier = this.#db.get(
        'SELECT update_id FROM accepted WHERE run_id = ? AND round = ? AND attempt = ? AND slot = ?',
        ...[runId, at.round, at.attempt, update.slot],
      )
      if (earlier?.['update_id'] === update.updateId) return { status: 'accepted' }
      if (!isOpen(head, at)) return { status: 'closed' }
      if (earlier !== null) return { status: 'conflict' }
      this.#db.run(
        'INSERT INTO accepted (run_id, round, attempt, slot, update_id, body) VALUES (?, ?, ?, ?, ?, ?)',
        ...[runId, at.round, at.attempt, update.slot, update.updateId, canonicalJson(update)],
      )
      faultPoint('accept.before_commit')
      return { status: 'accepted' }
    })
    if (outcome.status === 'accepted') faultPoint('accept.committed_before_ack')
    return outcome
  }
  async accepted(runId: RunId, round: number, attempt: number): Promise<readonly AcceptedUpdate[]> {
    return this.#accepted(runId, { round, attempt })
  }

  async enlist(runId: RunId, member: Omit<RosterEntry, 'slot'>): Promise<RosterEntry> {
    return this.#db.transaction(() => {
      if (this.#head(runId) === null) throw unknownRun(runId)
      // NULL equals nothing in SQL: simulated members, who have no node, are always new.
      const known = this.#db.get(
        'SELECT body FROM roster WHERE run_id = ? AND node_id = ?',
        runId,
        member.nodeId,
      )
      if (known !== null) return parse<RosterEntry>(known, 'body')
      const slot = this.#memberCount(runId)
      const entry = { ...member, slot }
      this.#db.run(
        'INSERT INTO roster (run_id, slot, node_id, body) VALUES (?, ?, ?, ?)',
        ...[runId, slot, member.nodeId, canonicalJson(entry)],
      )
      return entry
    })
  }
  async updateEngine(runId: RunId, slot: Slot, engine: RosterEntry['engine']): Promise<void> {
    this.#db.transaction(() => {
      const row = this.#db.get('SELECT body FROM roster WHERE run_id = ? AND slot = ?', runId, slot)
      if (row === null) return
      const body = canonicalJson({ ...parse<RosterEntry>(row, 'body'), engine })
      this.#db.run('UPDATE roster SET body = ? WHERE run_id = ? AND slot = ?', body, runId, slot)
    })
  }
  async roster(runId: RunId): Promise<readonly RosterEntry[]> {
    const rows = this.#db.all('SELECT body FROM roster WHERE run_id = ? ORDER BY slot', runId)
    return rows.map((row) => parse<RosterEntry>(row, 'body'))
  }
  async memberCount(runId: RunId): Promise<number> {
    return this.#memberCount(runId)
  }

  async appendEvent(runId: RunId, type: string, data: JsonObject): Promise<EventRow> {
    return this.#db.transaction(() => {
      const event = { seq: this.#lastSeq(runId) + 1, at: this.#timestamp(), type, data }
      this.#db.run(
        'INSERT INTO events (run_id, seq, at, type, data) VALUES (?, ?, ?, ?, ?)',
        ...[runId, event.seq, event.at, type, canonicalJson(data)],
      )
      return event
    })
  }
  async events(runId: RunId, afterSeq: number, limit: number): Promise<readonly EventRow[]> {
    const sql =
      'SELECT seq, at, type, data FROM events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?'
    return this.#db.all(sql, runId, afterSeq, limit).map((row) => ({
      seq: Number(row['seq']),
      at: String(row['at']),
      type: String(row['type']),
      data: parse<JsonObject>(row, 'data'),
    }))
  }
  async lastSeq(runId: RunId): Promise<number> {
    return this.#lastSeq(runId)
  }

  async addNode(node: NodeRow): Promise<void> {
    this.#db.run(
      'INSERT INTO nodes (node_id, name, public_key, enrolled_at, revoked_at) VALUES (?, ?, ?, ?, ?)',
      ...[node.nodeId, node.name, node.publicKey, node.enrolledAt, node.revokedAt],
    )
  }
  async node(nodeId: NodeId): Promise<NodeRow | null> {
    const row = this.#db.get('SELECT * FROM nodes WHERE node_id = ?', nodeId)
    return row === null ? null : nodeOf(row)
  }
  async nodes(): Promise<readonly NodeRow[]> {
    return this.#db.all('SELECT * FROM nodes ORDER BY rowid').map(nodeOf)
  }
  async revokeNode(nodeId: NodeId, at: string): Promise<boolean> {
    return (
      this.#db.run(
        'UPDATE nodes SET revoked_at = ? WHERE node_id = ? AND revoked_at IS NULL',
        at,
        nodeId,
      ) === 1
    )
  }
  async replaceKey(nodeId: NodeId, from: string, to: string): Promise<boolean> {
    const sql =
      'UPDATE nodes SET public_key = ? WHERE node_id = ? AND public_key = ? AND revoked_at IS NULL'
    return this.#db.run(sql, to, nodeId, from) === 1
  }
  async addCode(code: CodeRow): Promise<void> {
    this.#db.run(
      'INSERT INTO codes (code_hash, purpose, subject, expires_at, used_at) VALUES (?, ?, ?, ?, ?)',
      ...[code.codeHash, code.purpose, code.subject, code.expiresAt, code.usedAt],
    )
  }
  async useCode(codeHash: Hash, purpose: CodeRow['purpose'], now: string): Promise<UseCodeOutcome> {
    return this.#db.transaction(() => {
      const row = this.#db.get('SELECT * FROM codes WHERE code_hash = ?', codeHash)
      const outcome = judgeCode(row === null ? undefined : codeOf(row), purpose, now)
      if (outcome.status === 'used-now')
        this.#db.run('UPDATE codes SET used_at = ? WHERE code_hash = ?', now, codeHash)
      return outcome
    })
  }

  async addUser(user: UserRow): Promise<boolean> {
    return this.#db.transaction(() => {
      if (this.#db.get('SELECT 1 FROM users WHERE name = ?', user.name) !== null) return false
      const position = Number(this.#db.get('SELECT COUNT(*) AS n FROM users')?.['n'])
      this.#db.run(
        'INSERT INTO users (name, position, body) VALUES (?, ?, ?)',
        ...[user.name, position, canonicalJson(user)],
      )
      return true
    })
  }
  async user(name: string): Promise<UserRow | null> {
    const row = this.#db.get('SELECT body FROM users WHERE name = ?', name)
    return row === null ? null : parse<UserRow>(row, 'body')
  }
  async users(): Promise<readonly UserRow[]> {
    const rows = this.#db.all('SELECT body FROM users ORDER BY position')
    return rows.map((row) => parse<UserRow>(row, 'body'))
  }
  async replaceUser(from: UserRow, to: UserRow): Promise<boolean> {
    const sql = 'UPDATE users SET body = ? WHERE name = ? AND body = ?'
    return this.#db.run(sql, canonicalJson(to), from.name, canonicalJson(from)) === 1
  }
  async denyToken(jti: string, until: string): Promise<void> {
    this.#db.run('INSERT OR IGNORE INTO denied_tokens (jti, until) VALUES (?, ?)', jti, until)
  }
  async deniedTokens(now: string): Promise<readonly string[]> {
    this.#db.run('DELETE FROM denied_tokens WHERE until <= ?', now)
    return this.#db.all('SELECT jti FROM denied_tokens').map((row) => String(row['jti']))
  }

  async appendAudit(row: AuditRow): Promise<boolean> {
    return this.#db.transaction(() => {
      const last = this.#db.get('SELECT MAX(seq) AS seq FROM audit')
      if (row.seq !== Number(last?.['seq'] ?? 0) + 1) return false
      this.#db.run('INSERT INTO audit (seq, body) VALUES (?, ?)', row.seq, canonicalJson(row))
      return true
    })
  }
  async audits(afterSeq: number, limit: number): Promise<readonly AuditRow[]> {
    const sql = 'SELECT body FROM audit WHERE seq > ? ORDER BY seq LIMIT ?'
    return this.#db.all(sql, afterSeq, limit).map((row) => parse<AuditRow>(row, 'body'))
  }
  async lastAudit(): Promise<AuditRow | null> {
    const row = this.#db.get('SELECT body FROM audit ORDER BY seq DESC LIMIT 1')
    return row === null ? null : parse<AuditRow>(row, 'body')
  }

  async collectGarbage(graceMs: number): Promise<number> {
    const deleted = await deleteUnreachable(this.blobs, graceMs, async () => this.#roots())
    // Rows that were overwritten still lie in the log of the database until it begins anew.
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return deleted
  }
  async close(): Promise<void> {
    this.#db.close()
  }

  #roots(): readonly RunRoots[] {
    return this.#db.all('SELECT body, head FROM runs').map((row) => {
      const [run, head] = [parse<RunRow>(row, 'body'), parse<Head>(row, 'head')]
      return {
        run,
        head,
        accepted: head.openingHash === null ? [] : this.#accepted(run.runId, head),
      }
    })
  }
  #memberCount(runId: RunId): number {
    return Number(this.#db.get('SELECT COUNT(*) AS n FROM roster WHERE run_id = ?', runId)?.['n'])
  }
  #lastSeq(runId: RunId): number {
    const last = this.#db.get('SELECT MAX(seq) AS seq FROM events WHERE run_id = ?', runId)
    return Number(last?.['seq'] ?? 0)
  }
  #head(runId: RunId): Head | null {
    const row = this.#db.get('SELECT head FROM runs WHERE run_id = ?', runId)
    return row === null ? null : parse<Head>(row, 'head')
  }
  #accepted(runId: RunId, at: Pick<Head, 'round' | 'attempt'>): readonly AcceptedUpdate[] {
    const sql =
      'SELECT body FROM accepted WHERE run_id = ? AND round = ? AND attempt = ? ORDER BY slot'
    return this.#db
      .all(sql, runId, at.round, at.attempt)
      .map((row) => parse<AcceptedUpdate>(row, 'body'))
  }
}

const nodeOf = (row: SqlRow): NodeRow => ({
  nodeId: row['node_id'] as NodeId,
  name: String(row['name']),
  publicKey: String(row['public_key']),
  enrolledAt: String(row['enrolled_at']),
  revokedAt: row['revoked_at'] as string | null,
})
const codeOf = (row: SqlRow): CodeRow => ({
  codeHash: row['code_hash'] as Hash,
  purpose: row['purpose'] as CodeRow['purpose'],
  subject: row['subject'] as string | null,
  expiresAt: String(row['expires_at']),
  usedAt: row['used_at'] as string | null,
})
