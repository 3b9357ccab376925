import type { RawKind, RawRecords, RawRow } from './raw-rows.js'
import type { Sqlite, SqlRow } from './sqlite.js'

interface Source {
  readonly table: string
  readonly key: readonly string[]
  /** SQL that makes the JSON text of a row; what is JSON in the database goes in as it lies there. */
  readonly text: string
}
const quoted = (column: string): string => `json_quote(${column})`
const SOURCES: Readonly<Record<RawKind, Source>> = {
  run: { table: 'runs', key: ['run_id'], text: 'body' },
  head: {
    ...{ table: 'runs', key: ['run_id'] },
    text: `'{"runId":' || ${quoted('run_id')} || ',"head":' || head || '}'`,
  },
  accepted: {
    ...{ table: 'accepted', key: ['run_id', 'round', 'attempt', 'slot'] },
    text: `'{"runId":' || ${quoted('run_id')} || ',"round":' || round || ',"attempt":' || attempt || ',"slot":' || slot || ',"updateId":' || ${quoted('update_id')} || ',"update":' || body || '}'`,
  },
  member: {
    ...{ table: 'roster', key: ['run_id', 'slot'] },
    text: `'{"runId":' || ${quoted('run_id')} || ',"slot":' || slot || ',"member":' || body || '}'`,
  },
  event: {
    ...{ table: 'events', key: ['run_id', 'seq'] },
    text: `'{"runId":' || ${quoted('run_id')} || ',"seq":' || seq || ',"at":' || ${quoted('at')} || ',"type":' || ${quoted('type')} || ',"data":' || data || '}'`,
  },
  node: {
    ...{ table: 'nodes', key: ['node_id'] },
    text: `'{"nodeId":' || ${quoted('node_id')} || ',"name":' || ${quoted('name')} || ',"publicKey":' || ${quoted('public_key')} || ',"enrolledAt":' || ${quoted('enrolled_at')} || ',"revokedAt":' || ${quoted('revoked_at')} || '}'`,
  },
  user: { table: 'users', key: ['name'], text: 'body' },
  code: {
    ...{ table: 'codes', key: ['code_hash'] },
    text: `'{"codeHash":' || ${quoted('code_hash')} || ',"purpose":' || ${quoted('purpose')} || ',"subject":' || ${quoted('subject')} || ',"expiresAt":' || ${quoted('expires_at')} || ',"usedAt":' || ${quoted('used_at')} || '}'`,
  },
}
const PAGE = 500

/** The rows of a `tributary.db`. */
export const sqliteRows = (database: Sqlite): RawRecords => ({
  rows: (kind) => rowsOf(database, kind),
  faults: () => {
    const sound = (row: SqlRow): boolean => row['integrity_check'] === 'ok'
    const broken = database.all('PRAGMA integrity_check').filter((row) => !sound(row))
    const dangling = database.all('PRAGMA foreign_key_check')
    return [
      ...broken.map((row) => String(row['integrity_check'])),
      ...dangling.map((row) => `a row of ${row['table']} belongs to no ${row['parent']}`),
    ]
  },
})

async function* rowsOf(database: Sqlite, kind: RawKind): AsyncIterable<RawRow> {
  const { table, key, text } = SOURCES[kind]
  const columns = `rowid AS at, ${text} AS text, ${key.join(', ')}`
  const sql = `SELECT ${columns} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`
  for (let after = -1; ;) {
    const page = await Promise.resolve(database.all(sql, after))
    for (const row of page) {
      const named = key.map((column) => `${column}=${row[column]}`).join(' ')
      yield { kind, where: `tributary.db, ${table}: ${named}`, text: String(row['text']) }
    }
    const last = page.at(-1)
    if (last === undefined) return
    after = Number(last['at'])
  }
}
