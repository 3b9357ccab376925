import { FederationError } from '#protocol/errors.js'
import {
  assertRecordsInMongo,
  noteRecordsInMongo,
  openDataDirectory,
  type DataDirectory,
} from './data-directory.js'
import { FileBlobs } from './file-blobs.js'
import { openMongoStore } from './mongo/mongo-store.js'
import { createSqliteStore } from './sqlite-store.js'
import type { Store } from './store.js'

export interface OpenStoreOptions {
  /** `mongodb://…`: the records are there. Default: in the data directory. */
  readonly url?: string | undefined
  /** ISO 8601, for events. Default: the clock's. */
  readonly timestamp?: () => string
  /** How long a lease on the database lives without a sign of life, in milliseconds. Default: 15 000. */
  readonly leaseMs?: number
}

/**
 * Opens a data directory for this process alone, with its records where they are. Throws `store/locked` when another process
 * uses the directory or the database, `store/elsewhere` when its records are in another place than `url` says, and
 * `store/io`, `store/corrupt`, `store/newer-version`.
 */
export async function openStore(
  dataDir: string,
  { url, timestamp = () => new Date().toISOString(), leaseMs }: OpenStoreOptions = {},
): Promise<Store> {
  const directory = await openDataDirectory(dataDir)
  try {
    const blobs = await FileBlobs.open(dataDir, { durable: true, sole: true })
    if (url === undefined) {
      assertRecordsHere(directory)
      return createSqliteStore(directory.database, { blobs, timestamp })
    }
    const { id, place } = directory
    const claim = (): void => assertRecordsInMongo(directory)
    const store = await openMongoStore({ url, id, place, blobs, timestamp, claim, leaseMs })
    noteRecordsInMongo(directory)
    return {
      ...store,
      close: () => store.close().finally(() => directory.database.close()),
    }
  } catch (error) {
    directory.database.close()
    throw error
  }
}

function assertRecordsHere({ path, records }: DataDirectory): void {
  if (records === 'sqlite') return
  throw new FederationError('store/elsewhere', `The records of ${path} are in MongoDB`)
}
