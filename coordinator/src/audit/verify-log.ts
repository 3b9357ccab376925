import { z } from 'zod'
import { asFederationError } from '#protocol/errors.js'
import type { Hash, RunId } from '#protocol/ids.js'
import * as wire from '#protocol/wire.js'
import type { AuditRow, Store } from '#coordinator/store/store.js'
import { entryHash } from './audit-log.js'

/** Where a log stops being what was written. */
export interface LogFault {
  /** The number of the first entry that is not as it was written, or is missing. */
  readonly index: number
  readonly reason: string
}
export interface LogVerdict {
  /** Entries that are as they were written. */
  readonly entries: number
  /** Hash of the last of them: whoever keeps it elsewhere can tell later that the log still holds it. */
  readonly head: Hash | null
  /** Numbers of intents without an outcome: the process ended in between. */
  readonly unfinished: readonly number[]
  readonly fault: LogFault | null
}
/** A hash that must be among the entries, and who says so. */
export interface KnownEntry {
  readonly hash: Hash
  readonly knownBy: string
}
type LogStore = Pick<Store, 'audits' | 'runs' | 'head'>

const PAGE = 500
const rowSchema = z.strictObject({
  seq: z.int().min(1),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  phase: z.enum(['intent', 'done', 'failed']),
  subject: z.string().nullable(),
  data: z.record(z.string(), z.json()),
  previous: wire.hash.nullable(),
  hash: wire.hash,
})

/**
 * Checks every entry: numbers without gaps, each with the hash of the one before it and its own, and every hash that heads of
 * runs (and the caller) know among them, so that a log that was cut off is found out. `entries` may hold anything.
 */
export async function verifyLog(
  entries: AsyncIterable<unknown>,
  known: readonly KnownEntry[],
): Promise<LogVerdict> {
  const check = new LogCheck()
  const missing = new Map(known.map(({ hash, knownBy }) => [hash, knownBy]))
  for await (const entry of entries) {
    const fault = check.take(entry)
    if (fault !== null) return check.verdict(fault)
    if (check.head !== null) missing.delete(check.head)
  }
  const [lost] = missing
  return check.verdict(
    lost === undefined ? null : check.endedBefore({ hash: lost[0], knownBy: lost[1] }),
  )
}

/** Checks entries one after the other; may go on when there are more. */
export class LogCheck {
  readonly #unfinished = new Set<number>()
  #last: AuditRow | null = null

  /** Entries that are as they were written. */
  get entries(): number {
    return this.#last?.seq ?? 0
  }
  /** Hash of the last of them. */
  get head(): Hash | null {
    return this.#last?.hash ?? null
  }

  /** The next entry, which may be anything; null: it is as it was written. */
  take(entry: unknown): LogFault | null {
    const index = this.entries + 1
    const parsed = rowSchema.safeParse(entry)
    if (!parsed.success) return { index, reason: 'it cannot be read' }
    const row = parsed.data
    const reason = reasonAgainst(row, this.#last)
    if (reason !== null) return { index, reason }
    if (row.phase === 'intent') this.#unfinished.add(row.seq)
    else this.#unfinished.delete(Number(row.data['intent']))
    this.#last = row
    return null
  }

  /** What is wrong when an entry that somebody knows was not among those taken. */
  endedBefore({ hash, knownBy }: KnownEntry): LogFault {
    const reason = `the log ends here, but ${knownBy} knows an entry ${hash} that is not in it`
    return { index: this.entries + 1, reason }
  }
  verdict(fault: LogFault | null): LogVerdict {
    const { entries, head } = this
    return { entries, head, unfinished: [...this.#unfinished], fault }
  }
}

function reasonAgainst(row: AuditRow, last: AuditRow | null): string | null {
  const index = (last?.seq ?? 0) + 1
  if (row.seq > index) return `it is missing; entry ${row.seq} comes instead`
  if (row.seq < index) return `it is out of order; it says that it is entry ${row.seq}`
  if (row.previous !== (last?.hash ?? null)) return 'it does not follow from the entry before it'
  if (entryHash(row) !== row.hash) return 'it was altered'
  return null
}

/** All entries of a store after number `from`, oldest first. One that the store cannot read comes as null, and ends them. */
export async function* entriesOf(store: Pick<Store, 'audits'>, from = 0): AsyncGenerator<unknown> {
  for (let after = from; ;) {
    const page = await pageOf(store, after)
    yield* page
    const next: unknown = page.at(-1)?.seq
    // An entry that was altered may claim any number: the reader has found that out by now.
    if (typeof next !== 'number' || next <= after) return
    after = next
  }
}
/** Entries after number `after`, as many as one reading gives; one that the store cannot read comes as null, and is the last. */
export async function pageOf(
  store: Pick<Store, 'audits'>,
  after: number,
): Promise<readonly (AuditRow | null)[]> {
  try {
    return await store.audits(after, PAGE)
  } catch (cause) {
    if (!isUnreadable(cause)) throw cause
  }
  // One entry of the page is unreadable: those before it are not.
  const rows: AuditRow[] = []
  for (let next = after; ;) {
    try {
      const [row] = await store.audits(next, 1)
      if (row === undefined) return rows
      rows.push(row)
      if (!(row.seq > next)) return rows
      next = row.seq
    } catch (cause) {
      if (!isUnreadable(cause)) throw cause
      return [...rows, null]
    }
  }
}
const isUnreadable = (cause: unknown): boolean =>
  cause instanceof SyntaxError || asFederationError(cause).code === 'store/corrupt'

/** What the heads of all runs know of the log. */
export async function knownByHeads(
  store: Pick<LogStore, 'runs' | 'head'>,
): Promise<readonly KnownEntry[]> {
  const known: KnownEntry[] = []
  for (const { runId } of await store.runs()) {
    const hash = (await store.head(runId))?.auditHead ?? null
    if (hash !== null) known.push({ hash, knownBy: nameOf(runId) })
  }
  return known
}
const nameOf = (runId: RunId): string => `run ${runId}`

/** The log of a store that nobody else uses. */
export const verifyStoreLog = async (
  store: LogStore,
  known: readonly KnownEntry[] = [],
): Promise<LogVerdict> => verifyLog(entriesOf(store), [...known, ...(await knownByHeads(store))])
