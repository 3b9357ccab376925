import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import {
  assertRecordsInMongo,
  noteRecordsInMongo,
  openDataDirectory,
  type DataDirectory,
} from './data-directory.js'
import { FileBlobs } from './file-blobs.js'
import { sqliteRows } from './sqlite-rows.js'
import type { RawRecords } from './raw-rows.js'
import { createSqliteStore } from './sqlite-store.js'
import type { Store } from './store.js'

/** Lies in a data directory that is being filled from another one. */
export const UNFINISHED_COPY = 'unfinished-copy'

export interface OpenStoreOptions {
  /** `mongodb://…`: the records are there. Default: in the data directory. */
  readonly url?: string | undefined
  /** ISO 8601, for events. Default: the clock's. */
  readonly timestamp?: () => string
  /** How long a lease on the database lives without a sign of life, in milliseconds. Default: 15 000. */
  readonly leaseMs?: number
}

/** A store with what lies below its interface, for whoever checks it. */
export interface OpenedStore {
  readonly store: Store
  readonly files: FileBlobs
  readonly raw: RawRecords
}

/**
 * Opens a data directory for this process alone, with its records where they are. Throws `store/locked` when another process
 * uses the directory or the database, `store/elsewhere` when its records are in another place than `url` says, and
 * `store/io`, `store/corrupt`, `store/newer-version`.
 */
export const openStore = async (dataDir: string, options?: OpenStoreOptions): Promise<Store> =>
  (await openInspected(dataDir, options)).store

/** The same, for `store verify`. */
export async function openInspected(
  dataDir: string,
  { url, timestamp = () => new Date().toISOString(), leaseMs }: OpenStoreOptions = {},
): Promise<OpenedStore> {
  const directory = await openDataDirectory(dataDir)
  const { database } = directory
  try {
    assertWhole(dataDir)
    const files = await FileBlobs.open(dataDir, { durable: true, sole: true })
    if (url === undefined) {
      assertRecordsHere(directory)
      const store = createSqliteStore(database, { blobs: files, timestamp })
      return { store, files, raw: sqliteRows(database) }
    }
    const { id, place } = directory
    const claim = (): void => assertRecordsInMongo(directory)
    const options = { url, id, place, blobs: files, timestamp, claim, leaseMs }
    // The driver takes more memory than everything that a coordinator on SQLite needs for its store.
    const { openMongoStore } = await import('./mongo/mongo-store.js')
    const { store, raw } = await openMongoStore(options)
    noteRecordsInMongo(directory)
    const close = (): Promise<void> => store.close().finally(() => database.close())
    return { store: { ...store, close }, files, raw }
  } catch (error) {
    database.close()
    throw error
  }
}

function assertRecordsHere({ path, records }: DataDirectory): void {
  if (records === 'sqlite') return
  throw new FederationError('store/elsewhere', `The records of ${path} are in MongoDB`)
}

function assertWhole(dataDir: string): void {
  if (!existsSync(join(dataDir, UNFINISHED_COPY))) return
  throw new FederationError(
    'store/corrupt',
    `${dataDir} was being filled from another one, and that did not come to its end: delete it (and its database) and begin anew`,
  )
}
