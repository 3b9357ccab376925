import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { mongoAbsence, startMongo, type MongoServer } from '#testing/mongo/server.js'
import { listed, text } from '#testing/store-fixtures.js'
import { furnish, type Scene } from '#testing/store-scenes.js'
import { copyStore, restoreBackup, writeBackup } from './backup.js'
import { openInspected, openStore, UNFINISHED_COPY } from './open-store.js'
import type { Store } from './store.js'
import { verifyStore } from './verify.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-backup-'))
let made = 0
const fresh = (): string => join(root, String((made += 1)))
const NOW = '2026-03-01T00:00:00.000Z'

let mongo: MongoServer | null = null
beforeAll(async () => {
  if (mongoAbsence === null) mongo = await startMongo()
})
afterAll(async () => {
  await mongo?.stop()
  await rm(root, { recursive: true, force: true })
})

type Kind = 'SQLite' | 'MongoDB'
interface Place {
  readonly dataDir: string
  readonly url?: string
}
const placeOf = (kind: Kind): Place =>
  kind === 'SQLite' ? { dataDir: fresh() } : { dataDir: fresh(), url: mongo!.url() }
const openAt = ({ dataDir, ...options }: Place): Promise<Store> => openStore(dataDir, options)

/** A furnished store, closed again. */
async function furnished(place: Place): Promise<Scene> {
  const store = await openAt(place)
  const scene = await furnish(store)
  await store.close()
  return scene
}
async function backedUp(place: Place): Promise<string> {
  const store = await openAt(place)
  const folder = fresh()
  await writeBackup(store, folder, NOW)
  await store.close()
  return folder
}

async function everything(store: Store): Promise<unknown> {
  const runs = await store.runs()
  return {
    ...{ runs, nodes: await store.nodes(), users: await store.users() },
    audit: await store.audits(0, 100),
    members: await Promise.all(runs.map(({ runId }) => store.roster(runId))),
    events: await Promise.all(runs.map(({ runId }) => store.events(runId, 0, 100))),
  }
}

const WAYS: readonly (readonly [Kind, Kind])[] = [
  ['SQLite', 'SQLite'],
  ...((mongoAbsence === null
    ? [
        ['SQLite', 'MongoDB'],
        ['MongoDB', 'SQLite'],
        ['MongoDB', 'MongoDB'],
      ]
    : []) as readonly (readonly [Kind, Kind])[]),
]

describe.each(WAYS)('from %s to %s', (from, to) => {
  it('a backup brings all back but open rounds, codes and bundles for single members', async () => {
    const [source, target] = [placeOf(from), placeOf(to)]
    const scene = await furnished(source)
    const folder = await backedUp(source)
    const copied = await restoreBackup(folder, target)
    const [before, after] = [await openAt(source), await openAt(target)]
    expect(await everything(after)).toEqual(await everything(before))
    expect((await after.head(scene.finished))!).toEqual(await before.head(scene.finished))
    expect((await after.head(scene.open))!).toEqual({
      ...scene.head,
      ...{ state: 'PLANNED', attempt: 4, openingHash: null, personalHash: null },
    })
    expect(await after.accepted(scene.open, 2, 3)).toEqual([])
    expect(await after.useCode(sha256('code'), 'enrol-node', NOW)).toEqual({ status: 'unknown' })
    const blobs = await listed(after)
    expect(blobs).toHaveLength(copied.blobs)
    for (const gone of ['an update', 'for one member alone', 'shared'])
      expect(blobs).not.toContain(sha256(gone))
    expect(await after.collectGarbage(0)).toBe(0)
    await before.close()
    await after.close()
    const opened = await openInspected(target.dataDir, target)
    expect((await verifyStore(opened)).damages).toEqual([])
    await opened.store.close()
  })
  it('a copy is what a backup would have brought', async () => {
    const [source, target] = [placeOf(from), placeOf(to)]
    const scene = await furnished(source)
    const before = await openAt(source)
    await copyStore(before, target)
    const after = await openAt(target)
    expect(await everything(after)).toEqual(await everything(before))
    expect((await after.head(scene.open))!).toMatchObject({ state: 'PLANNED', attempt: 4 })
    await before.close()
    await after.close()
  })
})

describe('a backup', () => {
  it('holds nothing of open rounds and no secret', async () => {
    const source = placeOf('SQLite')
    await furnished(source)
    await writeFile(join(source.dataDir, 'signing-secret'), 'the secret that signs')
    const folder = await backedUp(source)
    expect((await readdir(folder)).sort()).toEqual(['backup.json', 'blobs', 'records.jsonl'])
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    for (const file of files.filter((entry) => entry.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name), 'latin1')
      for (const kept of ['an update', 'for one member alone', 'the secret that signs'])
        expect(bytes).not.toContain(kept)
      expect(bytes).not.toContain(sha256('code'))
    }
  })
  it('is never half there, and writes over nothing', async () => {
    const source = placeOf('SQLite')
    const { finished } = await furnished(source)
    const store = await openAt(source)
    const { modelHash } = (await store.head(finished))!
    await store.blobs.delete(modelHash)
    const folder = fresh()
    await expect(writeBackup(store, folder, NOW)).rejects.toMatchObject({ code: 'store/corrupt' })
    await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' })
    await store.blobs.put(text(`model of ${finished}`))
    await writeBackup(store, folder, NOW)
    await expect(writeBackup(store, folder, NOW)).rejects.toMatchObject({ code: 'store/not-empty' })
    await store.close()
  })
  it('is refused by name when a byte of it changed', async () => {
    const source = placeOf('SQLite')
    await furnished(source)
    const damaged = async (change: (folder: string) => Promise<string>): Promise<void> => {
      const folder = await backedUp(source)
      const path = await change(folder)
      await expect(restoreBackup(folder, placeOf('SQLite'))).rejects.toMatchObject({
        code: 'store/corrupt',
        message: expect.stringContaining(path) as string,
      })
    }
    await damaged(async (folder) => {
      await appendFile(join(folder, 'records.jsonl'), ' ')
      return join(folder, 'records.jsonl')
    })
    await damaged(async (folder) => {
      await writeFile(join(folder, 'backup.json'), '{"format":1}')
      return join(folder, 'backup.json')
    })
    await damaged(async (folder) => {
      const hash = sha256('state')
      const path = join(folder, 'blobs', hash.slice(0, 2), hash)
      await writeFile(path, 'stale')
      return path
    })
    await expect(restoreBackup(root, placeOf('SQLite'))).rejects.toMatchObject({
      code: 'usage/bad-value',
    })
  })
  it('of another version of the records is left to the program that wrote it', async () => {
    const source = placeOf('SQLite')
    await furnished(source)
    const folder = await backedUp(source)
    const path = join(folder, 'backup.json')
    const summary = JSON.parse(await readFile(path, 'utf8')) as { schemaVersion: number }
    await writeFile(path, JSON.stringify({ ...summary, schemaVersion: 99 }))
    await expect(restoreBackup(folder, placeOf('SQLite'))).rejects.toMatchObject({
      code: 'store/newer-version',
    })
  })
})

describe('a restore', () => {
  it('mixes nothing with what is there', async () => {
    const [source, target] = [placeOf('SQLite'), placeOf('SQLite')]
    await furnished(source)
    const { finished } = await furnished(target)
    const folder = await backedUp(source)
    await expect(restoreBackup(folder, target)).rejects.toMatchObject({ code: 'store/not-empty' })
    const untouched = await openAt(target)
    expect((await untouched.runs())[0]?.runId).toBe(finished)
    await untouched.close()
  })
  it('that did not come to its end leaves a directory that no coordinator opens', async () => {
    const [source, target] = [placeOf('SQLite'), placeOf('SQLite')]
    await furnished(source)
    const folder = await backedUp(source)
    const killed = new Error('killed')
    await expect(restoreBackup(folder, target, () => Promise.reject(killed))).rejects.toBe(killed)
    expect(await readdir(target.dataDir)).toContain(UNFINISHED_COPY)
    await expect(openAt(target)).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})
