import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { describeStore } from '#testing/store-conformance.js'
import { FileBlobs } from './file-blobs.js'
import { MemoryStore } from './memory-store.js'
import { SCHEMA_VERSION } from './migrations.js'
import { openSqlite } from './sqlite.js'
import { openStore } from './open-store.js'
import type { Store } from './store.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-store-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let made = 0
const newDirectory = (): string => join(root, String((made += 1)))

describeStore('the memory store', { open: async () => new MemoryStore() })

const directories = new WeakMap<Store, string>()
async function openAt(directory: string): Promise<Store> {
  const store = await openStore(directory)
  directories.set(store, directory)
  return store
}
describeStore('the SQLite store', {
  open: () => openAt(newDirectory()),
  reopen: async (store) => {
    await store.close()
    return openAt(directories.get(store)!)
  },
})

describe('a data directory', () => {
  it('belongs to one store at a time', async () => {
    const directory = newDirectory()
    const first = await openStore(directory)
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'store/locked' })
    await first.close()
    await (await openStore(directory)).close()
  })
  it('is locked against another process, until that process is killed', async () => {
    const directory = newDirectory()
    const script = join(root, 'holder.mjs')
    await writeFile(
      script,
      `import { openStore } from ${JSON.stringify(join(import.meta.dirname, 'open-store.ts'))}
       await openStore(${JSON.stringify(directory)}); process.send('open'); setInterval(() => {}, 1000)`,
    )
    const tsx = import.meta.resolve('tsx')
    const holder = fork(script, [], { execArgv: ['--conditions=source', '--import', tsx] })
    await once(holder, 'message')
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'store/locked' })
    const gone = once(holder, 'exit')
    holder.kill('SIGKILL')
    await gone
    await (await openStore(directory)).close()
  })
  it('of a newer version is refused and left as it was', async () => {
    const directory = newDirectory()
    await (await openStore(directory)).close()
    const database = openSqlite(join(directory, 'tributary.db'))
    database.run('UPDATE schema SET version = ?', SCHEMA_VERSION + 1)
    database.close()
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'store/newer-version' })
    const again = openSqlite(join(directory, 'tributary.db'))
    expect(again.get('SELECT version FROM schema')?.['version']).toBe(SCHEMA_VERSION + 1)
    again.close()
  })
  it('whose database is not one is called corrupt', async () => {
    const directory = newDirectory()
    await (await openStore(directory)).close()
    await rm(join(directory, 'tributary.db-wal'), { force: true })
    await writeFile(join(directory, 'tributary.db'), 'x'.repeat(8192))
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'store/corrupt' })
  })
  it('keeps nothing of what was deleted from it', async () => {
    const directory = newDirectory()
    const store = await openStore(directory)
    const holding = async (text: string): Promise<readonly string[]> => {
      const names = (await readdir(directory)).filter((name) => name.startsWith('tributary.db'))
      const files = await Promise.all(
        names.map(async (name) => [name, await readFile(join(directory, name))] as const),
      )
      return files.flatMap(([name, bytes]) => (bytes.includes(text) ? [name] : []))
    }
    // Enough of them that whole pages fall free.
    const tokens = Array.from({ length: 200 }, (_, i) => `token-that-ended-${i}`)
    for (const jti of tokens) await store.denyToken(jti, '2026-01-01T00:00:00.000Z')
    expect(await holding('token-that-ended-7')).not.toEqual([])
    expect(await store.deniedTokens('2026-01-01T00:00:00.000Z')).toEqual([])
    await store.collectGarbage(0)
    for (const jti of tokens) expect(await holding(jti)).toEqual([])
    await store.close()
    for (const jti of tokens) expect(await holding(jti)).toEqual([])
  })
  it('that a killed process was writing into is tidied by the next to open it', async () => {
    const directory = newDirectory()
    await (await openStore(directory)).close()
    const half = join(directory, 'staging', 'put-0123')
    await writeFile(half, 'half of a blob')
    // A process beside the coordinator's, such as the one that computes, leaves it alone.
    await FileBlobs.open(directory)
    expect(await readdir(join(directory, 'staging'))).toEqual(['put-0123'])
    await (await openStore(directory)).close()
    expect(await readdir(join(directory, 'staging'))).toEqual([])
  })
  it('that cannot be created is an input/output error', async () => {
    const file = join(root, 'a-file')
    await writeFile(file, '')
    await expect(openStore(join(file, 'below'))).rejects.toMatchObject({ code: 'store/io' })
  })
})

describe('file blobs', () => {
  it('name the file when one bit of it changed', async () => {
    const blobs = await FileBlobs.open(newDirectory())
    const hash = await blobs.put(Buffer.from('model'))
    const path = blobs.path(hash)
    const bytes = await readFile(path)
    bytes[2]! ^= 1
    await writeFile(path, bytes)
    await expect(blobs.get(hash)).rejects.toMatchObject({
      code: 'store/corrupt',
      message: expect.stringContaining(path) as string,
    })
  })
  it('lie at blobs/aa/<sha256> and leave nothing in staging', async () => {
    const directory = newDirectory()
    const blobs = await FileBlobs.open(directory)
    const hash = await blobs.put(Buffer.from('model'))
    expect(await readFile(join(directory, 'blobs', hash.slice(0, 2), hash), 'utf8')).toBe('model')
    expect(await readdir(join(directory, 'staging'))).toEqual([])
  })
  it('are shared by two processes that open the same directory', async () => {
    const directory = newDirectory()
    const [one, other] = [await FileBlobs.open(directory), await FileBlobs.open(directory)]
    const hash = await one.put(Buffer.from('x'))
    expect(await other.has(hash)).toBe(true)
  })
  it('forget uploads that were left for more than a day', async () => {
    const directory = newDirectory()
    const blobs = await FileBlobs.open(directory)
    await (await blobs.stage('old', sha256('old'), 3)).append(Buffer.from('o'))
    const [name] = await readdir(join(directory, 'staging'))
    const dayBefore = Date.now() / 1000 - 25 * 3600
    await utimes(join(directory, 'staging', name!), dayBefore, dayBefore)
    const again = await FileBlobs.open(directory)
    expect((await again.stage('old', sha256('old'), 3)).received).toBe(0)
  })
  it('count as new when put again, so that a collection spares them', async () => {
    const blobs = await FileBlobs.open(newDirectory())
    const hash = await blobs.put(Buffer.from('x'))
    const old = Date.now() / 1000 - 3600
    await utimes(blobs.path(hash), old, old)
    await blobs.put(Buffer.from('x'))
    for await (const listed of blobs.list(60_000)) expect(listed).not.toBe(hash)
  })
  it('are all listed where there is no grace, also those that were put while the clock was ahead', async () => {
    const blobs = await FileBlobs.open(newDirectory())
    const hash = await blobs.put(Buffer.from('x'))
    const listed = async (graceMs: number): Promise<readonly string[]> => {
      const hashes = []
      for await (const one of blobs.list(graceMs)) hashes.push(one)
      return hashes
    }
    const ahead = Date.now() / 1000 + 3600
    await utimes(blobs.path(hash), ahead, ahead)
    expect(await listed(60_000)).toEqual([])
    expect(await listed(0)).toEqual([hash])
  })
})
