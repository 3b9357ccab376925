import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { BlobStore, Head, RunRow, Store } from '#coordinator/store/store.js'
import type { RawRecords } from '#coordinator/store/raw-rows.js'
import { deleteUnreachable, type RunRoots } from '#coordinator/store/reachable.js'
import { connectMongo, isDuplicate, settle, type MongoConnection } from './connection.js'
import { createContext, type MongoContext } from './context.js'
import { parse, type RunDocument } from './documents.js'
import { takeLease, type Lease } from './lease.js'
import { eventsIn, rosterIn } from './members.js'
import { auditIn, codesIn, nodesIn, usersIn } from './people.js'
import { mongoRows } from './rows.js'
import { acceptedIn, runsIn } from './runs.js'

export interface MongoStoreOptions {
  readonly url: string
  /** Of the data directory: id, and where exactly it is. */
  readonly id: string
  readonly place: string
  readonly blobs: BlobStore
  readonly timestamp: () => string
  /** Before anything is written: throws if the directory has records of its own. */
  readonly claim: () => void
  readonly leaseMs?: number | undefined
}

interface StoreDocument {
  readonly _id: 'store'
  readonly version: number
  /** The data directory whose records these are: its blobs are what the records point at. */
  readonly directory: string
}

/** Step n takes a database of version n to n + 1; each may be done twice. Steps are never edited once released. */
const STEPS: readonly ((connection: MongoConnection) => Promise<unknown>)[] = [
  async (connection) => {
    const index = (name: string, keys: Record<string, 1>, options = {}): Promise<string> =>
      connection.collection(name).createIndex(keys, { unique: true, ...options })
    await index('runs', { position: 1 })
    await index('nodes', { position: 1 })
    await index('users', { position: 1 })
    await index('events', { runId: 1, seq: 1 })
    await index('roster', { runId: 1, slot: 1 })
    // Simulated members have no node: each is a new one.
    await index(
      'roster',
      { runId: 1, nodeId: 1 },
      { partialFilterExpression: { nodeId: { $type: 'string' } } },
    )
  },
]
export const MONGO_VERSION = STEPS.length

/**
 * Opens the records of a data directory in MongoDB. Throws `store/locked` while another coordinator uses the database,
 * `store/elsewhere` when it belongs to another data directory, `store/newer-version`, `store/io` and `usage/bad-value` (the URL).
 */
export async function openMongoStore(
  options: MongoStoreOptions,
): Promise<{ readonly store: Store; readonly raw: RawRecords }> {
  const connection = await connectMongo(options.url)
  let lease: Lease | null = null
  try {
    lease = await takeLease(connection, options.place, options.leaseMs)
    await settle(connection, () => identify(connection, options))
    const held = lease
    const context = createContext(connection, held)
    const close = async (): Promise<void> => {
      try {
        await held.release()
      } finally {
        await connection.close()
      }
    }
    return { store: mongoStoreIn(context, options, close), raw: mongoRows(context) }
  } catch (error) {
    await lease?.release().catch(() => undefined)
    await connection.close()
    throw error
  }
}

/** Makes sure that database and directory belong together, and brings the database to this program's version. */
export async function identify(
  connection: MongoConnection,
  { id, claim }: Pick<MongoStoreOptions, 'id' | 'claim'>,
): Promise<void> {
  const meta = connection.collection<StoreDocument>('meta')
  const known = await meta.findOne({ _id: 'store' })
  if (known !== null && known.directory !== id)
    throw new FederationError(
      'store/elsewhere',
      `${connection.shown} holds the records of another data directory`,
    )
  const version = known?.version ?? 0
  if (version > MONGO_VERSION)
    throw new FederationError(
      'store/newer-version',
      `${connection.shown} has version ${version}, this program knows versions up to ${MONGO_VERSION}`,
    )
  claim()
  for (const step of STEPS.slice(version)) await step(connection)
  try {
    const $set = { version: MONGO_VERSION, directory: id }
    await meta.updateOne({ _id: 'store', directory: id }, { $set }, { upsert: true })
  } catch (error) {
    // Another directory was faster: the next look says so.
    if (isDuplicate(error)) return identify(connection, { id, claim })
    throw error
  }
}

/** The store in a database of this program's version. */
export const mongoStoreIn = (
  context: MongoContext,
  { blobs, timestamp }: Pick<MongoStoreOptions, 'blobs' | 'timestamp'>,
  close: () => Promise<void>,
): Store => {
  const accepted = acceptedIn(context)
  return {
    blobs,
    ...runsIn(context),
    ...accepted,
    ...rosterIn(context),
    ...eventsIn(context, timestamp),
    ...nodesIn(context),
    ...codesIn(context),
    ...usersIn(context),
    ...auditIn(context),
    collectGarbage: (graceMs) =>
      deleteUnreachable(blobs, graceMs, () => rootsIn(context, accepted.accepted)),
    close,
  }
}

async function rootsIn(
  context: MongoContext,
  acceptedOf: Store['accepted'],
): Promise<readonly RunRoots[]> {
  const runs = context.collection<RunDocument>('runs')
  const found = await context.read(() => runs.find().sort({ position: 1 }).toArray())
  return Promise.all(
    found.map(async (document) => {
      const head = parse<Head>(document.head)
      const accepted =
        head.openingHash === null
          ? []
          : await acceptedOf(document._id as RunId, head.round, head.attempt)
      return { run: parse<RunRow>(document.body), head, accepted }
    }),
  )
}
