import Database from 'libsql'
import { FederationError } from '#protocol/errors.js'

/** Text, numbers and null only: a lone byte array handed to the driver's `run` ends the process, and blobs live in files anyway. */
export type SqlValue = string | number | null
export type SqlRow = Readonly<Record<string, SqlValue>>

/** The few calls of the SQLite driver that the store needs, with errors of our table. */
export interface Sqlite {
  /** Runs one statement; returns the number of rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): number
  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[]
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | null
  exec(sql: string): void
  /** All or nothing, and nobody else in between. */
  transaction<T>(work: () => T): T
  close(): void
}

type Statement = ReturnType<InstanceType<typeof Database>['prepare']>

const code = (error: unknown): string => (error as { code?: string }).code ?? ''

function translate(path: string, cause: unknown): FederationError {
  if (cause instanceof FederationError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code(cause).startsWith('SQLITE_BUSY') || /database is locked/.test(message)) {
    return new FederationError('store/locked', `${path} is in use by another process`, { cause })
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code(cause)) || /malformed|not a database/.test(message)) {
    return new FederationError('store/corrupt', `${path} is not a sound database: ${message}`, {
      cause,
    })
  }
  return new FederationError('store/io', `${path}: ${message}`, { cause })
}

/**
 * Opens (or creates) a database for this process alone: the lock is the operating system's, held until `close` or the end
 * of the process, however it ends. Every committed transaction is on disk (WAL, synchronous=FULL).
 */
export function openSqlite(path: string): Sqlite {
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (cause) {
      throw translate(path, cause)
    }
  }
  return attempt(() => {
    const database = new Database(path)
    try {
      claim(database, path)
    } catch (cause) {
      database.close()
      throw cause
    }
    return wrap(database, attempt)
  })
}

function claim(database: InstanceType<typeof Database>, path: string): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA foreign_keys = ON')
  // What is deleted is overwritten, so that no page of the file still tells it.
  database.exec('PRAGMA secure_delete = ON')
  // The first write takes the lock, and in this mode it is never let go.
  database.exec('BEGIN IMMEDIATE; COMMIT')
  const journal = database.prepare('PRAGMA journal_mode').get() as SqlRow
  const synchronous = database.prepare('PRAGMA synchronous').get() as SqlRow
  if (journal['journal_mode'] !== 'wal' || synchronous['synchronous'] !== 2) {
    throw new FederationError(
      'store/io',
      `${path} does not take journal_mode=WAL with synchronous=FULL on this file system`,
    )
  }
}

function wrap(database: InstanceType<typeof Database>, attempt: <T>(work: () => T) => T): Sqlite {
  const statements = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    run: (sql, ...values) => attempt(() => prepare(sql).run([...values]).changes),
    all: (sql, ...values) => attempt(() => prepare(sql).all([...values]) as readonly SqlRow[]),
    get: (sql, ...values) =>
      attempt(() => (prepare(sql).get([...values]) as SqlRow | undefined) ?? null),
    exec: (sql) => {
      attempt(() => database.exec(sql))
    },
    transaction: (work) => attempt(() => database.transaction(work).immediate()),
    close: () => {
      if (!database.open) return
      // The driver keeps the file open until its statements are garbage, so the lock is given back by hand first.
      attempt(() => {
        database.exec('PRAGMA journal_mode = DELETE')
        database.exec('PRAGMA locking_mode = NORMAL')
        database.prepare('SELECT COUNT(*) FROM sqlite_schema').get()
        database.close()
      })
    },
  }
}
