import { randomUUID } from 'node:crypto'
import type { Collection, Document } from 'mongodb'
import { settle, type MongoConnection } from './connection.js'
import type { Lease } from './lease.js'

/** What the parts of the store share. */
export interface MongoContext {
  collection<T extends Document>(name: string): Collection<T>
  /** Work that changes nothing, with unknown outcomes tried again. */
  read<T>(work: () => Promise<T>): Promise<T>
  /** Work that is harmless when done twice, while this process has the lease. */
  write<T>(work: () => Promise<T>): Promise<T>
  /** Like `write`, after everything else of the same key: racing callers would only get into each other's way. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T>
}

/** A mark by which a write that was done, but whose answer was lost, is known again. */
export const newMark = (): string => randomUUID()

/** `does`: how work is done whose outcome can be unknown. */
export function createContext(
  connection: MongoConnection,
  lease: Pick<Lease, 'assertHeld'>,
  does: typeof settle = settle,
): MongoContext {
  const tails = new Map<string, Promise<unknown>>()
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    await lease.assertHeld()
    return does(connection, work)
  }
  return {
    collection: (name) => connection.collection(name),
    read: (work) => does(connection, work),
    write,
    inTurn: (key, work) => {
      const turn = (tails.get(key) ?? Promise.resolve()).then(() => write(work))
      const settled = turn.then(
        () => undefined,
        () => undefined,
      )
      tails.set(key, settled)
      void settled.then(() => tails.get(key) === settled && tails.delete(key))
      return turn
    },
  }
}
