import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { mongoAbsence, startMongo } from '#testing/mongo/server.js'
import { furnish, type Scene } from '#testing/store-scenes.js'
import { openInspected } from './open-store.js'
import { openSqlite } from './sqlite.js'
import { verifyStore, type Damage } from './verify.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-verify-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let made = 0

interface Furnished {
  readonly directory: string
  readonly scene: Scene
}
async function furnished(): Promise<Furnished> {
  const directory = join(root, String((made += 1)))
  const { store } = await openInspected(directory)
  const scene = await furnish(store)
  await store.close()
  return { directory, scene }
}
async function damagesIn(directory: string): Promise<readonly Damage[]> {
  const opened = await openInspected(directory)
  const { damages } = await verifyStore(opened)
  await opened.store.close()
  return damages
}
const blobPath = (directory: string, hash: string): string =>
  join(directory, 'blobs', hash.slice(0, 2), hash)
const anyDamage = (where: string, what: string): unknown =>
  expect.objectContaining({
    where: expect.stringContaining(where) as string,
    what: expect.stringContaining(what) as string,
  })

describe('SEC-T24: checking a store', () => {
  it('finds nothing in a sound one, whose open round and waiting bundles are looked at too', async () => {
    const { directory } = await furnished()
    const opened = await openInspected(directory)
    const verdict = await verifyStore(opened)
    expect(verdict.damages).toEqual([])
    // 2 runs with a head, 2 members and 2 events each; 1 update, 2 nodes, 2 people, 1 code.
    expect(verdict.rows).toBe(2 * 6 + 6)
    expect(verdict.blobs).toBe(14)
    await opened.store.close()
  })

  it('names every blob of which one byte changed', async () => {
    const { directory, scene } = await furnished()
    const opened = await openInspected(directory)
    const names: string[] = []
    for await (const hash of opened.store.blobs.list(0)) names.push(hash)
    await opened.store.close()
    for (const name of names) {
      const path = blobPath(directory, name)
      const bytes = await readFile(path)
      const changed = Buffer.from(bytes)
      changed[Math.floor(bytes.length / 2)]! ^= 1
      await writeFile(path, changed)
      const damages = await damagesIn(directory)
      expect(damages[0]).toEqual({
        where: path,
        what: 'does not hold the bytes that its name says',
      })
      // Whatever was damaged is needed by one of the runs.
      expect(damages.slice(1).some(({ where }) => where.startsWith('run '))).toBe(true)
      await writeFile(path, bytes)
    }
    expect(scene.open).toMatch(/^run-/)
    expect(await damagesIn(directory)).toEqual([])
  })

  it('names blobs that are missing, and files that do not belong there', async () => {
    const { directory, scene } = await furnished()
    const { modelHash } = scene.head
    await rm(blobPath(directory, modelHash))
    expect(await damagesIn(directory)).toContainEqual(
      anyDamage(`run ${scene.open}`, `head: the blob ${modelHash} is missing`),
    )
    const stranger = join(directory, 'blobs', modelHash.slice(0, 2), 'notes.txt')
    await writeFile(stranger, '')
    expect(await damagesIn(directory)).toContainEqual(anyDamage(stranger, 'does not hold'))
  })

  it.each([
    ['a run that is no JSON', "UPDATE runs SET body = 'x' || body", 'runs: run_id=', 'no JSON'],
    [
      'a head without a hash',
      "UPDATE runs SET head = json_remove(head, '$.modelHash')",
      'runs: run_id=',
      'modelHash',
    ],
    [
      'a head in a state that there is not',
      "UPDATE runs SET head = replace(head, 'DONE', 'DOME')",
      'runs: run_id=',
      'state',
    ],
    [
      'another configuration',
      "UPDATE runs SET body = json_set(body, '$.config.rounds', 9)",
      'run ',
      'configuration was changed',
    ],
    [
      'a head that names another model',
      "UPDATE runs SET head = json_set(head, '$.modelHash', json_extract(head, '$.stateHash'))",
      'run ',
      'its model is not the one',
    ],
    [
      'a head that lost its opening',
      "UPDATE runs SET head = json_set(head, '$.openingHash', NULL)",
      'run ',
      'contradicts itself',
    ],
    [
      'an update of another slot',
      "UPDATE accepted SET body = json_set(body, '$.slot', 5)",
      'accepted: run_id=',
      'something else than its key',
    ],
    [
      'an update without its bytes',
      `UPDATE accepted SET body = json_set(body, '$.blob', '${sha256('nothing')}')`,
      'run ',
      'accepted: the blob',
    ],
    ['a member that is no JSON', "UPDATE roster SET body = '{' || body", 'roster: ', 'no JSON'],
    [
      'a member that is missing',
      'DELETE FROM roster WHERE slot = 0',
      'run ',
      'member 0 is missing',
    ],
    ['an event that is missing', 'DELETE FROM events WHERE seq = 1', 'run ', 'event 1 is missing'],
    ['an event that is no JSON', "UPDATE events SET data = 'x'", 'events: ', 'no JSON'],
    ['a node with another id', "UPDATE nodes SET node_id = 'x' || node_id", 'nodes: ', 'nodeId'],
    [
      'a person with a role that there is not',
      "UPDATE users SET body = replace(body, 'researcher', 'director')",
      'users: name=',
      'role',
    ],
    ['a code that is none', "UPDATE codes SET code_hash = 'x'", 'codes: ', 'codeHash'],
    [
      'a log entry that was altered',
      "UPDATE audit SET body = replace(body, 'ada', 'eve') WHERE seq = 2",
      'audit log, entry 2',
      '',
    ],
    ['a log that was cut off', 'DELETE FROM audit WHERE seq > 1', 'audit log, entry 2', ''],
  ])('names %s', async (_, sql, where, what) => {
    const { directory } = await furnished()
    const database = openSqlite(join(directory, 'tributary.db'))
    database.run(sql)
    database.close()
    expect(await damagesIn(directory)).toContainEqual(anyDamage(where, what))
  })

  it('names the table of a page that was overwritten, and still reads the others', async () => {
    const { directory } = await furnished()
    const path = join(directory, 'tributary.db')
    const database = openSqlite(path)
    const page = database.get("SELECT rootpage FROM sqlite_schema WHERE name = 'events'")
    database.close()
    const bytes = await readFile(path)
    bytes.fill(0x5a, 4096 * (Number(page?.['rootpage']) - 1), 4096 * Number(page?.['rootpage']))
    await writeFile(path, bytes)
    const damages = await damagesIn(directory)
    expect(damages).toContainEqual(anyDamage('tributary.db', ''))
    expect(damages).toContainEqual(anyDamage('rows: event', ''))
  })

  it.skipIf(mongoAbsence !== null)(
    `names damaged documents of MongoDB${mongoAbsence === null ? '' : `: ${mongoAbsence}`}`,
    async () => {
      const server = await startMongo()
      const url = server.url()
      const directory = join(root, String((made += 1)))
      const client = new MongoClient(url)
      try {
        const first = await openInspected(directory, { url })
        await furnish(first.store)
        expect((await verifyStore(first)).damages).toEqual([])
        await first.store.close()
        const database = client.db()
        await database.collection('roster').updateOne({ slot: 1 }, { $set: { body: '{' } })
        await database.collection('updates').deleteMany({})
        await database.collection('events').deleteOne({ seq: 1 })
        await database
          .collection('users')
          .updateOne({}, [{ $set: { body: { $concat: ['x', '$body'] } } }])
        const again = await openInspected(directory, { url })
        const { damages } = await verifyStore(again)
        await again.store.close()
        for (const [where, what] of [
          ['roster: run-', 'no JSON'],
          ['updates: run-', 'no JSON'],
          ['run run-', 'event 1 is missing'],
          ['users: zoe', 'no JSON'],
        ] as const)
          expect(damages).toContainEqual(anyDamage(where, what))
      } finally {
        await client.close()
        await server.stop()
      }
    },
  )
})
