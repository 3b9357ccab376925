import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { setFaultHook, type FaultPoint } from '#protocol/fault-points.js'
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import { mongoAbsence, startMongo, type MongoServer } from '#testing/mongo/server.js'
import { describeStore } from '#testing/store-conformance.js'
import { person } from '#testing/store-people-conformance.js'
import { planned, putOpening, runRow, text, update } from '#testing/store-fixtures.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { connectMongo } from './connection.js'
import { takeLease } from './lease.js'
import { MONGO_VERSION } from './mongo-store.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

describe.skipIf(mongoAbsence !== null)(`MongoDB: ${mongoAbsence ?? 'a server process'}`, () => {
  let root: string
  let server: MongoServer
  let made = 0
  const fresh = (): string => join(root, String((made += 1)))
  const open: Store[] = []
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-store-'))
    server = await startMongo()
  })
  afterEach(async () => {
    setFaultHook(null)
    for (const store of open.splice(0)) await store.close().catch(() => undefined)
  })
  afterAll(async () => {
    await server.stop()
    await rm(root, { recursive: true, force: true })
  })
  const openAt = async (directory: string, url: string): Promise<Store> => {
    const store = await openStore(directory, { url })
    open.push(store)
    return store
  }
  /** What is in the database, past the store. */
  async function inDatabase<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
    const client = new MongoClient(url)
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  }
  async function collecting(store: Store): Promise<readonly [RunId, Head]> {
    const runId = newRunId()
    const head = planned(await store.blobs.put(text('state')))
    await store.createRun(runRow(runId), head)
    const next: Head = {
      ...head,
      state: 'COLLECTING',
      openingHash: await putOpening(store, runId),
    }
    await store.advance(runId, head, next)
    return [runId, next]
  }

  const places = new WeakMap<Store, readonly [string, string]>()
  const openNoted = async (directory: string, url: string): Promise<Store> => {
    const store = await openStore(directory, { url })
    places.set(store, [directory, url])
    return store
  }
  describeStore('the MongoDB store', {
    open: () => openNoted(fresh(), server.url()),
    reopen: async (store) => {
      await store.close()
      return openNoted(...places.get(store)!)
    },
  })

  describe('a database', () => {
    it('belongs to one data directory, and to one coordinator at a time', async () => {
      const [directory, url] = [fresh(), server.url()]
      const store = await openAt(directory, url)
      await store.addUser(person('ada'))
      // The same directory, another directory, and a copy of the directory on what could be another machine.
      await expect(openStore(directory, { url })).rejects.toThrow(withCode('store/locked'))
      await expect(openStore(fresh(), { url })).rejects.toThrow(withCode('store/locked'))
      await store.close()
      const copy = fresh()
      await cp(directory, copy, { recursive: true })
      const elsewhere = await openAt(copy, url)
      await expect(openStore(directory, { url })).rejects.toThrow(withCode('store/locked'))
      await elsewhere.close()
      await expect(openStore(fresh(), { url })).rejects.toThrow(withCode('store/elsewhere'))
      expect(await (await openAt(directory, url)).users()).toEqual([person('ada')])
    })
    it('is taken over at once from a coordinator of the same directory that was killed', async () => {
      const [directory, url] = [fresh(), server.url()]
      await (await openAt(directory, url)).close()
      // As a killed process leaves it: a lease that has not run out.
      const lease = { holder: 'killed', ends: new Date(Date.now() + 3_600_000) }
      const connection = await connectMongo(url)
      const here = await takeLease(connection, 'somewhere else', 3_600_000)
      await expect(openStore(directory, { url })).rejects.toThrow(/somewhere else/)
      await here.release()
      await connection.close()
      const store = await openAt(directory, url)
      const place = await inDatabase(url, async (client) => {
        const meta = client.db().collection<{ _id: string; place: string }>('meta')
        return (await meta.findOne({ _id: 'lease' }))!.place
      })
      await store.close()
      await inDatabase(url, (client) =>
        client
          .db()
          .collection<{ _id: string; place: string }>('meta')
          .insertOne({ _id: 'lease', place, ...lease }),
      )
      await openAt(directory, url)
    })
    it('refuses writes of a coordinator whose lease another one took', async () => {
      const [directory, url] = [fresh(), server.url()]
      const store = await openStore(directory, { url, leaseMs: 1 })
      open.push(store)
      const [runId, head] = await collecting(store)
      await inDatabase(url, (client) =>
        client
          .db()
          .collection<{ _id: string }>('meta')
          .updateOne({ _id: 'lease' }, { $set: { holder: 'another' } }),
      )
      const locked = withCode('store/locked')
      await expect(store.accept(runId, head, update(0, 'x'))).rejects.toThrow(locked)
      await expect(store.advance(runId, head, { ...head, epoch: 9 })).rejects.toThrow(locked)
      await expect(store.appendEvent(runId, 'test', {})).rejects.toThrow(locked)
      await expect(store.addUser(person('ada'))).rejects.toThrow(locked)
      expect(await store.head(runId)).toEqual(head)
    })
    it('is left alone when a newer program wrote it', async () => {
      const [directory, url] = [fresh(), server.url()]
      await (await openAt(directory, url)).close()
      await inDatabase(url, (client) =>
        client
          .db()
          .collection<{ _id: string }>('meta')
          .updateOne({ _id: 'store' }, { $set: { version: MONGO_VERSION + 1 } }),
      )
      const newer = withCode('store/newer-version')
      await expect(openStore(directory, { url })).rejects.toThrow(newer)
      await expect(openStore(directory, { url })).rejects.toThrow(newer)
    })
    it.each(['w=1', 'journal=false', 'readConcernLevel=local', 'readPreference=secondary'])(
      'is not used with %s, under which an acknowledged write can be lost',
      async (option) => {
        const url = `${server.url().split('?')[0]}?${option}`
        await expect(openStore(fresh(), { url })).rejects.toThrow(withCode('usage/bad-value'))
      },
    )
    it('is written so that every acknowledged write is in the journals of a majority', async () => {
      const connection = await connectMongo(server.url())
      const { writeConcern, readConcern, readPreference } = connection.collection('runs')
      expect(writeConcern).toMatchObject({ w: 'majority', journal: true })
      expect([readConcern?.level, readPreference?.mode]).toEqual(['majority', 'primary'])
      await connection.close()
    })
    it('is named without its password when it cannot be used', async () => {
      const url = 'mongodb://ada:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=50'
      const nobodyThere = openStore(fresh(), { url })
      await expect(nobodyThere).rejects.toThrow(withCode('store/io'))
      await expect(nobodyThere).rejects.not.toThrow(/secret/)
      const wrong = openStore(fresh(), { url: 'postgres://ada:secret@127.0.0.1/x' })
      await expect(wrong).rejects.toThrow(withCode('usage/bad-value'))
      await expect(wrong).rejects.not.toThrow(/secret/)
    })
  })

  describe('a data directory', () => {
    it('is opened where its records are, and nowhere else', async () => {
      const [directory, url] = [fresh(), server.url()]
      await (await openAt(directory, url)).close()
      await expect(openStore(directory)).rejects.toThrow(withCode('store/elsewhere'))
      await expect(openStore(directory, { url: server.url() })).resolves.toSatisfy(
        (store: Store) => open.push(store) > 0,
      )
      const own = fresh()
      const sqlite = await openStore(own)
      await sqlite.addUser(person('ada'))
      await sqlite.close()
      await expect(openStore(own, { url: server.url() })).rejects.toThrow(
        withCode('store/elsewhere'),
      )
      await (await openStore(own)).close()
    })
  })

  describe('a crash', () => {
    const dieAt = (wanted: FaultPoint): void =>
      setFaultHook((point) => {
        if (point === wanted) throw new Error(`died at ${point}`)
      })
    it('between the body of an update and the swap leaves nothing that counts', async () => {
      const [directory, url] = [fresh(), server.url()]
      const store = await openAt(directory, url)
      const [runId, head] = await collecting(store)
      dieAt('accept.before_commit')
      await expect(store.accept(runId, head, update(0, 'x'))).rejects.toThrow('died')
      setFaultHook(null)
      expect(await store.accepted(runId, 1, 1)).toEqual([])
      expect(await store.accept(runId, head, update(0, 'y'))).toEqual({ status: 'accepted' })
      expect(await store.accept(runId, head, update(0, 'x'))).toEqual({ status: 'conflict' })
      expect(await store.accepted(runId, 1, 1)).toEqual([update(0, 'y')])
    })
    it('right after the swap loses the answer and not the update', async () => {
      const store = await openAt(fresh(), server.url())
      const [runId, head] = await collecting(store)
      dieAt('accept.committed_before_ack')
      await expect(store.accept(runId, head, update(0, 'x'))).rejects.toThrow('died')
      setFaultHook(null)
      expect(await store.accepted(runId, 1, 1)).toEqual([update(0, 'x')])
      expect(await store.accept(runId, head, update(0, 'x'))).toEqual({ status: 'accepted' })
    })
    it.skipIf(process.env['TRIBUTARY_MONGO_URL'] !== undefined)(
      'of the server itself loses nothing that was acknowledged, and the store goes on',
      async () => {
        const own = await startMongo()
        try {
          const store = await openAt(fresh(), own.url())
          const [runId, head] = await collecting(store)
          const blob = await store.blobs.put(text('blob'))
          const writes = async (from: number): Promise<number> => {
            for (let i = from; i < from + 10; i += 1) {
              const outcome = await store.accept(runId, head, update(i, 'x', blob))
              expect(outcome).toEqual({ status: 'accepted' })
              await store.appendEvent(runId, 'test', { i })
            }
            return from + 10
          }
          await writes(0)
          // Killed while writes are under way: the driver does not know which of them were done.
          const during = writes(10)
          await own.restart()
          await during
          await own.restart()
          const after: Head = { ...head, state: 'FROZEN' }
          expect(await store.advance(runId, head, after)).toBe(true)
          const accepted = await store.accepted(runId, 1, 1)
          expect(accepted.map(({ slot }) => slot)).toEqual(Array.from({ length: 20 }, (_, i) => i))
          const events = await store.events(runId, 0, 100)
          expect(events.map(({ seq, data }) => [seq, data['i']])).toEqual(
            Array.from({ length: 20 }, (_, i) => [i + 1, i]),
          )
          expect(await store.head(runId)).toEqual(after)
          expect(accepted[0]?.blob).toBe(sha256('blob'))
          await store.close()
        } finally {
          await own.stop()
        }
      },
    )
  })
})
