import { MongoNetworkError, MongoServerError, type Collection, type Document } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import { mongoAbsence, startMongo, type MongoServer } from '#testing/mongo/server.js'
import { describeStore } from '#testing/store-conformance.js'
import { member, planned, runRow, times, update } from '#testing/store-fixtures.js'
import { auditRows, person } from '#testing/store-people-conformance.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { connectMongo, settle, type MongoConnection } from './connection.js'
import { createContext } from './context.js'
import { identify, mongoStoreIn } from './mongo-store.js'

interface Unleased {
  readonly does?: typeof settle
  /** Done before each update of a run's document: what happens between the look at it and the swap. */
  readonly before?: () => Promise<unknown>
}

/** A store on a database without its lease: what two coordinators would be that both believe to have it. */
async function unleased(url: string, { does = settle, before }: Unleased = {}): Promise<Store> {
  const direct = await connectMongo(url)
  const connection: MongoConnection = {
    ...direct,
    collection: (name) =>
      before === undefined || name !== 'runs'
        ? direct.collection(name)
        : interrupted(direct.collection(name), before),
  }
  await settle(connection, () => identify(connection, { id: 'test', claim: () => undefined }))
  const context = createContext(connection, { assertHeld: () => Promise.resolve() }, does)
  const timestamp = (): string => '2026-01-01T00:00:00.000Z'
  return mongoStoreIn(context, { blobs: new MemoryBlobs(), timestamp }, () => connection.close())
}
const interrupted = <T extends Document>(
  collection: Collection<T>,
  before: () => Promise<unknown>,
): Collection<T> =>
  new Proxy(collection, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: readonly unknown[]) => unknown
      if (key !== 'updateOne') return call
      return async (...args: readonly unknown[]) => {
        await before()
        return call(...args)
      }
    },
  })

/** Every work is done, its answer lost, and it is done again. */
const twice: typeof settle = (connection, work) =>
  settle(connection, async () => {
    await work()
    return work()
  })

describe.skipIf(mongoAbsence !== null)(`MongoDB: ${mongoAbsence ?? 'one server'}`, () => {
  let server: MongoServer
  beforeAll(async () => {
    server = await startMongo()
  })
  afterAll(() => server.stop())

  describeStore('the MongoDB store, every answer of which is lost once', {
    open: () => unleased(server.url(), { does: twice }),
  })

  describe('two coordinators on one database', () => {
    let rivals: readonly [Store, Store]
    let runId: RunId
    let collecting: Head
    let url: string
    const store = (i: number): Store => rivals[i % 2]!
    beforeAll(async () => {
      url = server.url()
      rivals = [await unleased(url), await unleased(url)]
    })
    afterAll(() => Promise.all(rivals.map((rival) => rival.close())))
    const newRun = async (): Promise<void> => {
      runId = newRunId()
      const head = planned(sha256('state'))
      collecting = { ...head, state: 'COLLECTING', openingHash: sha256('opening') }
      await store(0).createRun(runRow(runId), collecting)
    }

    it('move a head once', async () => {
      await newRun()
      const moved = await Promise.all(
        times(30, (i) =>
          store(i).advance(runId, collecting, { ...collecting, reason: `racer ${i}` }),
        ),
      )
      expect(moved.filter(Boolean)).toHaveLength(1)
      expect((await store(0).head(runId))?.reason).toBe(`racer ${moved.indexOf(true)}`)
    })
    it('accept one update a slot, and none after one of them closed the round', async () => {
      await newRun()
      const racing = times(30, (i) =>
        store(i).accept(runId, collecting, update(Math.floor(i / 2), `payload ${i % 2}`)),
      )
      const next: Head = { ...collecting, state: 'PLANNED', round: 2 }
      const closed = await store(1).advance(runId, collecting, next)
      const outcomes = await Promise.all(racing)
      const won = outcomes.flatMap(({ status }, i) =>
        status === 'accepted' ? [update(Math.floor(i / 2), `payload ${i % 2}`)] : [],
      )
      // Who lost the swap to an update in between was told so, or looked again.
      expect(closed).toBe(true)
      expect(await store(0).accepted(runId, 1, 1)).toEqual(won)
      expect(new Set(won.map(({ slot }) => slot)).size).toBe(won.length)
    })
    it('close a round under an update that was about to be accepted, which is refused then', async () => {
      await newRun()
      const frozen: Head = { ...collecting, state: 'FROZEN' }
      const slow = await unleased(url, {
        before: () => store(1).advance(runId, collecting, frozen),
      })
      expect(await slow.accept(runId, collecting, update(0, 'x'))).toEqual({ status: 'closed' })
      expect(await store(0).accepted(runId, 1, 1)).toEqual([])
      await slow.close()
    })
    it('accept an update while the other leaves the round: it counts among those of that round', async () => {
      await newRun()
      await store(1).accept(runId, collecting, update(0, 'x'))
      const next: Head = { ...collecting, state: 'PLANNED', attempt: 2 }
      const slow = await unleased(url, {
        before: () => store(1).accept(runId, collecting, update(1, 'y')),
      })
      expect(await slow.advance(runId, collecting, next)).toBe(true)
      expect(await store(0).accepted(runId, 1, 1)).toEqual([update(0, 'x'), update(1, 'y')])
      expect(await store(0).accepted(runId, 1, 2)).toEqual([])
      await slow.close()
    })
    it('give every slot, event, log entry and name to one', async () => {
      await newRun()
      const entries = await Promise.all(
        times(12, (i) => store(i).enlist(runId, member(`node ${i}`))),
      )
      expect(entries.map(({ slot }) => slot).sort((a, b) => a - b)).toEqual(times(12, (i) => i))
      const node = member('both')
      const own = await Promise.all(times(6, (i) => store(i).enlist(runId, node)))
      expect(new Set(own.map(({ slot }) => slot))).toEqual(new Set([12]))
      const events = await Promise.all(times(12, (i) => store(i).appendEvent(runId, 'test', { i })))
      expect(events.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(times(12, (i) => i + 1))
      const [entry] = auditRows(1)
      const logged = await Promise.all(times(6, (i) => store(i).appendAudit(entry!)))
      expect(logged.filter(Boolean)).toHaveLength(1)
      const added = await Promise.all(times(6, (i) => store(i).addUser(person('ada'))))
      expect(added.filter(Boolean)).toHaveLength(1)
      const names = times(6, (i) => `person ${i}`)
      await Promise.all(names.map((name, i) => store(i).addUser(person(name))))
      const known = (await store(0).users()).map(({ name }) => name)
      expect([known[0], ...known.slice(1).sort()]).toEqual(['ada', ...names])
    })
    it('refuse the one whose epoch is over', async () => {
      await newRun()
      const taken: Head = { ...collecting, epoch: 2 }
      expect(await store(1).advance(runId, collecting, taken)).toBe(true)
      expect(await store(0).accept(runId, collecting, update(0, 'x'))).toEqual({ status: 'closed' })
      const frozen: Head = { ...collecting, state: 'FROZEN' }
      expect(await store(0).advance(runId, collecting, frozen)).toBe(false)
      expect(await store(1).accept(runId, taken, update(0, 'x'))).toEqual({ status: 'accepted' })
    })
  })
})

describe('an operation of MongoDB', () => {
  const at = { shown: 'mongodb://here' }
  const failing = (errors: readonly Error[]): (() => Promise<number>) => {
    let calls = 0
    return () => {
      const error = errors[calls]
      calls += 1
      return error === undefined ? Promise.resolve(calls) : Promise.reject(error)
    }
  }
  it('whose outcome is unknown is done again, and given up after the third time', async () => {
    const lost = new MongoNetworkError('connection reset')
    expect(await settle(at, failing([lost, lost]))).toBe(3)
    await expect(settle(at, failing([lost, lost, lost]))).rejects.toMatchObject({
      code: 'store/io',
      message: expect.stringContaining('mongodb://here') as string,
    })
  })
  it('that the server refused is not', async () => {
    const refused = new MongoServerError({ message: 'not authorized', code: 13 })
    await expect(settle(at, failing([refused]))).rejects.toMatchObject({ code: 'store/io' })
  })
  it('that failed in this program keeps its error', async () => {
    const bug = new TypeError('bug')
    await expect(settle(at, failing([bug]))).rejects.toBe(bug)
  })
})
