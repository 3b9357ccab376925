import { mkdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { migrate } from './migrations.js'
import { openSqlite, type Sqlite } from './sqlite.js'

/** Where the records of a data directory are: in its own `tributary.db`, or in a MongoDB database that belongs to it. */
export type RecordPlace = 'sqlite' | 'mongodb'

/**
 * A data directory held by this process alone. `tributary.db` is there whatever keeps the records: it carries the lock of the
 * operating system, which a killed process gives back at once, and says where the records are.
 */
export interface DataDirectory {
  readonly path: string
  readonly database: Sqlite
  /** Made once, at random; never changes. */
  readonly id: string
  /** This very directory on this very machine: a copy of it has the same id but is another place. */
  readonly place: string
  readonly records: RecordPlace
}

/** Makes the directory if absent. Throws `store/locked`, `store/io`, `store/corrupt`, `store/newer-version`. */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new FederationError('store/io', `Could not create ${directory}`, { cause })
  }
  const file = join(directory, 'tributary.db')
  const database = openSqlite(file)
  try {
    migrate(database, file)
    const row = database.get('SELECT id, records FROM identity')
    if (row === null) throw new FederationError('store/corrupt', `${file} does not say what it is`)
    const { dev, ino } = await stat(file)
    return {
      path: directory,
      database,
      id: String(row['id']),
      place: `${hostname()}:${resolve(directory)}:${dev}:${ino}`,
      records: row['records'] as RecordPlace,
    }
  } catch (cause) {
    database.close()
    throw cause
  }
}

/** The tables that an empty store has no rows in. */
const TABLES = ['runs', 'nodes', 'codes', 'users', 'denied_tokens', 'audit']

/**
 * Notes that the records of this directory are in MongoDB from now on. Throws `store/elsewhere` if it holds records of its
 * own, which would be out of sight from then on, and their blobs collected.
 */
export function assertRecordsInMongo({ database, path, records }: DataDirectory): void {
  if (records === 'mongodb') return
  for (const table of TABLES) {
    if (database.get(`SELECT 1 FROM ${table} LIMIT 1`) === null) continue
    throw new FederationError(
      'store/elsewhere',
      `${path} keeps its records in tributary.db, not in MongoDB`,
    )
  }
}
export function noteRecordsInMongo({ database }: DataDirectory): void {
  database.run("UPDATE identity SET records = 'mongodb'")
}
