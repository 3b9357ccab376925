import { randomUUID } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'
import { isDuplicate, settle, type MongoConnection } from './connection.js'

interface LeaseDocument {
  readonly _id: 'lease'
  /** Made for each opening. */
  readonly holder: string
  /** The data directory, which one process at a time has open. */
  readonly place: string
  /** By the server's clock. */
  readonly ends: Date
}
/** The right to write into a database, for one process at a time. */
export interface Lease {
  /** Resolves while nobody else has it; rejects with `store/locked` once somebody took it. */
  assertHeld(): Promise<void>
  release(): Promise<void>
}

/** A coordinator on another machine may take over this long after the last sign of life, in milliseconds. */
export const LEASE_MS = 15_000
/** Renewed this many times in its life. */
const RENEWALS = 3
/** The share of its life during which a lease needs no second look. */
const TRUSTED = 0.8

/**
 * Takes the lease, or throws `store/locked`. Whoever has the same data directory open is its only process, so what a killed
 * one left is taken over at once; a lease of another place must have run out. The fence behind it is every swap's own: an
 * older epoch's writes fail whatever became of its lease.
 */
export async function takeLease(
  connection: MongoConnection,
  place: string,
  leaseMs: number = LEASE_MS,
): Promise<Lease> {
  const leases = connection.collection<LeaseDocument>('meta')
  const holder = randomUUID()
  const renewed = [
    { $set: { ...literal({ holder, place }), ends: { $add: ['$$NOW', leaseMs] } } },
  ] as const
  let heldUntil = performance.now() + leaseMs * TRUSTED
  try {
    await settle(connection, async () => {
      const free = { ends: { $lt: new Date(await connection.serverTime()) } }
      heldUntil = performance.now() + leaseMs * TRUSTED
      const mine = { _id: 'lease' as const, $or: [{ place }, free] }
      await leases.updateOne(mine, [...renewed], { upsert: true })
    })
  } catch (cause) {
    const reason = (cause as Error).cause
    if (isDuplicate(reason)) throw await locked(connection)
    throw cause
  }
  const renew = async (): Promise<void> => {
    const asked = performance.now()
    const { matchedCount } = await settle(connection, () =>
      leases.updateOne({ _id: 'lease', holder }, [...renewed]),
    )
    if (matchedCount === 0) {
      heldUntil = -Infinity
      throw await locked(connection)
    }
    heldUntil = asked + leaseMs * TRUSTED
  }
  let renewing: Promise<void> | null = null
  const renewOnce = (): Promise<void> => (renewing ??= renew().finally(() => (renewing = null)))
  // A renewal that fails is tried again by the next write, which then rejects.
  const timer = setInterval(() => void renewOnce().catch(() => undefined), leaseMs / RENEWALS)
  timer.unref()
  return {
    assertHeld: async () => {
      if (performance.now() > heldUntil) await renewOnce()
    },
    release: async () => {
      clearInterval(timer)
      await settle(connection, () => leases.deleteOne({ _id: 'lease', holder }))
    },
  }
}

const literal = (values: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { $literal: value }]))

async function locked(connection: MongoConnection): Promise<FederationError> {
  const lease = await settle(connection, () =>
    connection.collection<LeaseDocument>('meta').findOne({ _id: 'lease' }),
  )
  const by = lease === null ? '' : ` (${lease.place}, at least until ${lease.ends.toISOString()})`
  return new FederationError(
    'store/locked',
    `${connection.shown} is in use by another coordinator${by}`,
  )
}
