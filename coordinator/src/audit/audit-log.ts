import { asFederationError, FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AuditRow, Store } from '#coordinator/store/store.js'
import { withOwn } from '#coordinator/store/with-own.js'

/** What someone does that changes something, or tries to. */
export interface Act {
  /** `user:NAME`, `node:ID`, `operator`, `coordinator`, or `anyone` before they have shown who they are. */
  readonly actor: string
  /** For example `node.revoke`. */
  readonly action: string
  /** A run, node or user; null: not known yet, or none. */
  readonly subject: string | null
  /** What else tells acts apart. Never a secret: neither codes, passwords nor tokens. */
  readonly data?: JsonObject
}
/** What is known only when an act is over: whom a code let in, which run was started. */
export type Outcome = Pick<Act, 'subject'> & { readonly data?: JsonObject }

type AuditStore = Pick<Store, 'appendAudit' | 'lastAudit'>

/** Another coordinator that writes the same log would be one too many. */
const TRIES = 3
const LONGEST_TEXT = 200

/**
 * The hash-chained log of acts: intent, action, outcome (reliability specification §2, T26). An act whose intent cannot be
 * written does not happen; one whose outcome cannot be written fails for the caller, and the log says that it was begun.
 */
export class AuditLog {
  readonly #store: AuditStore
  readonly #timestamp: () => string
  #last: Pick<AuditRow, 'seq' | 'hash'> | null
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(store: AuditStore, timestamp: () => string, last: AuditRow | null) {
    this.#store = store
    this.#timestamp = timestamp
    this.#last = last
  }

  /** Goes on behind the last entry of the store. */
  static async open(store: AuditStore, timestamp: () => string): Promise<AuditLog> {
    return new AuditLog(store, timestamp, await store.lastAudit())
  }

  /** Hash of the latest entry; null: there is none. */
  get head(): Hash | null {
    return this.#last?.hash ?? null
  }

  /** Writes the intent, does the work, writes what came of it. What the work throws is thrown on. */
  async around<T>(
    act: Act,
    work: () => Promise<T>,
    outcome: (value: T) => Outcome = () => ({ subject: act.subject }),
  ): Promise<T> {
    const { seq } = await this.write('intent', act)
    let value: T
    try {
      value = await work()
    } catch (cause) {
      const { code } = asFederationError(cause)
      await this.write('failed', { ...act, data: { ...act.data, intent: seq, code } })
      throw cause
    }
    const { subject, data } = outcome(value)
    await this.write('done', { ...act, subject, data: { ...act.data, ...data, intent: seq } })
    return value
  }

  /** Appends one entry; resolves when it is durable. Throws what the store throws, and `store/locked`. */
  write(phase: AuditRow['phase'], act: Act): Promise<AuditRow> {
    const row = this.#turn.then(() => this.#append(phase, act))
    this.#turn = row.catch(() => undefined)
    return row
  }

  async #append(phase: AuditRow['phase'], act: Act): Promise<AuditRow> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const row = chained(this.#last, {
        at: this.#timestamp(),
        ...{ actor: capped(act.actor), action: act.action, phase },
        subject: act.subject === null ? null : capped(act.subject),
        data: cappedObject(act.data ?? {}),
      })
      if (await this.#store.appendAudit(row)) {
        this.#last = row
        return row
      }
      this.#last = await this.#store.lastAudit()
    }
    throw new FederationError('store/locked', 'Someone else writes the audit log')
  }
}

/** A row that follows `last`. */
export function chained(
  last: Pick<AuditRow, 'seq' | 'hash'> | null,
  body: Omit<AuditRow, 'seq' | 'previous' | 'hash'>,
): AuditRow {
  const row = { ...body, seq: (last?.seq ?? 0) + 1, previous: last?.hash ?? null }
  return { ...row, hash: entryHash(row) }
}

/** SHA-256 of the canonical JSON of an entry without its hash. */
export const entryHash = ({ seq, at, actor, action, ...rest }: Omit<AuditRow, 'hash'>): Hash => {
  const { phase, subject, data, previous } = rest
  return sha256(canonicalJson({ seq, at, actor, action, phase, subject, data, previous }))
}

/**
 * The same store, whose heads carry the hash of the latest entry of the log: a log cut off behind that entry is then found out
 * (reliability specification §2, T26).
 */
export function withAuditHeads(store: Store, log: AuditLog): Store {
  return withOwn(store, {
    advance: (runId, from, to) => store.advance(runId, from, { ...to, auditHead: log.head }),
    createRun: (run, head) => store.createRun(run, { ...head, auditHead: log.head }),
  })
}

const capped = (text: string): string => text.slice(0, LONGEST_TEXT)
const cappedObject = (data: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      capped(key),
      typeof value === 'string' ? capped(value) : value,
    ]),
  )
