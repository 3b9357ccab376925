import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { mongoAbsence, startMongo, type MongoServer } from '#testing/mongo/server.js'
import { describeStore } from '#testing/store-conformance.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Store } from '#coordinator/store/store.js'

describe.skipIf(mongoAbsence !== null)(`MongoDB: ${mongoAbsence ?? 'a server process'}`, () => {
  let root: string
  let server: MongoServer
  let made = 0
  const places = new WeakMap<Store, readonly [string, string]>()
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-store-'))
    server = await startMongo()
  })
  afterAll(async () => {
    await server.stop()
    await rm(root, { recursive: true, force: true })
  })
  const openAt = async (directory: string, url: string): Promise<Store> => {
    const store = await openStore(directory, { url })
    places.set(store, [directory, url])
    return store
  }
  describeStore('the MongoDB store', {
    open: () => openAt(join(root, String((made += 1))), server.url()),
    reopen: async (store) => {
      await store.close()
      return openAt(...places.get(store)!)
    },
  })
})
