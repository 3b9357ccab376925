import {
  MongoClient,
  MongoError,
  MongoServerError,
  MongoServerSelectionError,
  MongoNetworkError,
  MongoWriteConcernError,
  type Collection,
  type Document,
} from 'mongodb'
import { FederationError } from '#protocol/errors.js'

/** Times after which an answer is not waited for any more, in milliseconds; the URL may ask for others. */
const TIMEOUTS = {
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 10_000,
  socketTimeoutMS: 30_000,
}
const WRITE_TIMEOUT_MS = 20_000
/** How often an operation is tried whose outcome is unknown: while a replica set elects, or its server starts again. */
const TRIES = 3
const DEFAULT_DATABASE = 'tributary'
const DUPLICATE_KEY = 11_000

/** What a URL may not ask for, since an acknowledged write must survive any one failure: name → the only value allowed. */
const FIXED: Readonly<Record<string, string>> = {
  w: 'majority',
  journal: 'true',
  j: 'true',
  readConcernLevel: 'majority',
  readPreference: 'primary',
  retryWrites: 'true',
}

export interface MongoConnection {
  /** The URL without a password. */
  readonly shown: string
  collection<T extends Document>(name: string): Collection<T>
  /** The clock of the server, in milliseconds since 1970. */
  serverTime(): Promise<number>
  close(): Promise<void>
}

/** For messages: a URL without its user and password. */
export const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//')

const asksFor = (url: string, option: string): boolean =>
  [...optionsIn(url).keys()].some((name) => name.toLowerCase() === option.toLowerCase())
const optionsIn = (url: string): URLSearchParams => new URLSearchParams(url.split('?')[1] ?? '')

function assertUrl(url: string): void {
  const shown = withoutPassword(url)
  if (!/^mongodb(\+srv)?:\/\//.test(url))
    throw new FederationError(
      'usage/bad-value',
      `A store is written as mongodb://HOST:PORT/DATABASE, not '${shown}'`,
    )
  for (const [name, value] of optionsIn(url)) {
    const fixed = Object.entries(FIXED).find(([key]) => key.toLowerCase() === name.toLowerCase())
    if (fixed === undefined || fixed[1] === value) continue
    throw new FederationError(
      'usage/bad-value',
      `The store's URL asks for ${name}=${value}; nothing would be safe with other than ${fixed[0]}=${fixed[1]}`,
    )
  }
}

function createClient(url: string): MongoClient {
  assertUrl(url)
  try {
    return new MongoClient(url, {
      ...Object.fromEntries(Object.entries(TIMEOUTS).filter(([name]) => !asksFor(url, name))),
      appName: 'tributary',
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: WRITE_TIMEOUT_MS },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      retryReads: true,
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FederationError('usage/bad-value', `${withoutPassword(url)}: ${reason}`, { cause })
  }
}

/** Connects, or throws `usage/bad-value` (the URL) or `store/io` (nobody there, or the password is wrong). */
export async function connectMongo(url: string): Promise<MongoConnection> {
  const client = createClient(url)
  const named = /^[^/]+\/\/[^/]+\/([^?]+)/.exec(url)?.[1]
  const shown = withoutPassword(url)
  try {
    await client.connect()
    const database = client.db(named ?? DEFAULT_DATABASE)
    return {
      shown,
      collection: (name) => database.collection(name),
      serverTime: async () => {
        const { localTime } = await database.command({ hello: 1 })
        return (localTime as Date).getTime()
      },
      close: () => client.close(),
    }
  } catch (cause) {
    await client.close()
    throw ioError(shown, cause)
  }
}

const ioError = (shown: string, cause: unknown): FederationError =>
  new FederationError('store/io', `${shown}: ${cause instanceof Error ? cause.message : ''}`, {
    cause,
  })

export const isDuplicate = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY

/** Whether the server may or may not have done it. */
const isUnknownOutcome = (error: unknown): boolean =>
  error instanceof MongoNetworkError ||
  error instanceof MongoServerSelectionError ||
  error instanceof MongoWriteConcernError ||
  (error instanceof MongoError && error.hasErrorLabel('RetryableWriteError'))

/**
 * Does work that may be done twice: after a failure that leaves its outcome unknown it is done again, so it must look first, or
 * know its own earlier write by a mark. What stays unknown rejects with `store/io`.
 */
export async function settle<T>(
  { shown }: Pick<MongoConnection, 'shown'>,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof MongoError)) throw cause
      if (!isUnknownOutcome(cause) || tries === TRIES) throw ioError(shown, cause)
    }
  }
}
