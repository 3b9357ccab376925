import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setFaultHook } from '#protocol/fault-points.js'
import { sha256 } from '#protocol/ids.js'
import { Vault, type VaultOptions } from './vault.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
const [ROUND, OTHER, PERSONAL] = [
  'run-000000000000-1-1',
  'run-000000000000-1-2',
  'run-000000000000-1-1-personal',
] as const
const BYTES = Buffer.from('an update of a member')

describe('a vault', () => {
  let root: string
  let dataDirectory: string
  let masterKeyFile: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-vault-'))
    dataDirectory = join(root, 'data')
    masterKeyFile = join(root, 'keys', 'master')
    await mkdir(dataDirectory)
  })
  afterEach(async () => {
    setFaultHook(null)
    await rm(root, { recursive: true })
  })
  /** As after a restart: nothing is known but what is on disk. */
  const open = (change: Partial<VaultOptions> = {}): Promise<Vault> =>
    Vault.open({ dataDirectory, masterKeyFile, ...change })
  const fill = async (vault: Vault, name: string, keep: 'disk' | 'memory' = 'disk') => {
    await vault.create(name, keep)
    return (await vault.blobs(name))!.put(BYTES)
  }
  const read = async (vault: Vault, name: string): Promise<string | null> => {
    const bytes = await (await vault.blobs(name))?.get(sha256(BYTES))
    return bytes === undefined || bytes === null ? null : Buffer.from(bytes).toString()
  }
  const inVault = (...parts: string[]): string => join(dataDirectory, 'vault', ...parts)

  it('opens after a restart what it kept on disk, and nothing that it kept in memory', async () => {
    const vault = await open()
    await fill(vault, ROUND)
    await fill(vault, OTHER, 'memory')
    await fill(vault, PERSONAL, 'memory')
    for (const name of [ROUND, OTHER, PERSONAL]) expect(await read(vault, name)).not.toBeNull()
    await vault.keep(PERSONAL)
    const again = await open()
    expect(await read(again, ROUND)).toBe(BYTES.toString())
    expect(await read(again, PERSONAL)).toBe(BYTES.toString())
    expect(await again.compartment(OTHER)).toBeNull()
    expect([...(await again.names())].sort()).toEqual([ROUND, PERSONAL, OTHER])
  })
  it('lets nobody but its owner read the folder, the keys and the files', async () => {
    const hash = await fill(await open(), ROUND)
    const modeOf = async (path: string): Promise<string> =>
      ((await stat(path)).mode & 0o777).toString(8)
    expect(await modeOf(inVault())).toBe('700')
    expect(await modeOf(inVault(ROUND))).toBe('700')
    for (const path of [inVault(ROUND, 'key'), inVault(ROUND, hash), masterKeyFile])
      expect(await modeOf(path), path).toBe('600')
    expect(await modeOf(join(masterKeyFile, '..'))).toBe('700')
  })
  it('makes a new compartment in place of one of the same name', async () => {
    const vault = await open()
    const { key } = await vault.create(ROUND, 'disk')
    await fill(vault, ROUND)
    const next = await vault.create(ROUND, 'disk')
    expect(Buffer.from(next.key).equals(key)).toBe(false)
    expect(await readdir(inVault(ROUND))).toEqual(['key'])
  })
  it('takes no name that could be a path', async () => {
    const vault = await open()
    for (const name of ['../x', 'run-000000000000-1-1/..', '', 'destroyed-1', 'id'])
      await expect(vault.create(name, 'disk')).rejects.toThrow(withCode('store/corrupt'))
  })

  it('destroys the key before anything else', async () => {
    const vault = await open()
    const compartment = await vault.create(ROUND, 'disk')
    const hash = await (await vault.blobs(ROUND))!.put(BYTES)
    setFaultHook((point) => {
      if (point === 'key.destroyed') throw new Error('died')
    })
    await expect(vault.destroy(ROUND)).rejects.toThrow('died')
    // What a crash leaves at that moment.
    expect(await readdir(inVault(ROUND))).toEqual([hash])
    expect(await vault.compartment(ROUND)).toBeNull()
    expect(await (await open()).compartment(ROUND)).toBeNull()
    setFaultHook(null)
    await vault.destroy(ROUND)
    expect(await readdir(inVault())).toEqual(['id'])
    await vault.destroy(ROUND)
    const second = await vault.create(ROUND, 'memory')
    await vault.destroy(ROUND)
    // Not even in memory.
    expect(second.key.every((byte) => byte === 0)).toBe(true)
    expect(compartment.key.some((byte) => byte !== 0)).toBe(true)
  })
  it('removes what a crash left of a destroyed compartment', async () => {
    await open()
    await mkdir(inVault('destroyed-00'))
    await open()
    expect(await readdir(inVault())).toEqual(['id'])
  })
  it('keeps of a compartment only what is asked for', async () => {
    const vault = await open()
    await vault.create(PERSONAL, 'disk')
    const blobs = (await vault.blobs(PERSONAL))!
    const [kept, gone] = [await blobs.put(Buffer.from('a')), await blobs.put(Buffer.from('b'))]
    await vault.prune(PERSONAL, new Set([kept]))
    expect([await blobs.size(kept), await blobs.size(gone)]).toEqual([1, null])
    expect(await (await open()).compartment(PERSONAL)).not.toBeNull()
  })
})

describe('the master key', () => {
  let root: string
  let dataDirectory: string
  const keyFile = (name: string): string => join(root, name)
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-master-'))
    dataDirectory = join(root, 'data')
    await mkdir(dataDirectory)
  })
  afterEach(() => rm(root, { recursive: true }))
  const open = (change: Partial<VaultOptions> = {}): Promise<Vault> =>
    Vault.open({ dataDirectory, masterKeyFile: keyFile('first'), ...change })
  const isReadable = async (vault: Vault, name: string = ROUND): Promise<boolean> =>
    (await vault.compartment(name)) !== null

  it('lies by default with the user, one for each data directory', async () => {
    const home = process.env['TRIBUTARY_HOME']
    process.env['TRIBUTARY_HOME'] = join(root, 'home')
    try {
      for (const name of ['a', 'b']) {
        await mkdir(join(root, name))
        const vault = await Vault.open({ dataDirectory: join(root, name) })
        await vault.create(ROUND, 'disk')
      }
      const files = await readdir(join(root, 'home', 'keys'))
      const ids = ['a', 'b'].map((name) => readFile(join(root, name, 'vault', 'id'), 'utf8'))
      expect(files.sort()).toEqual((await Promise.all(ids)).map((id) => id.trim()).sort())
      expect(await isReadable(await Vault.open({ dataDirectory: join(root, 'a') }))).toBe(true)
    } finally {
      process.env['TRIBUTARY_HOME'] = home
    }
  })
  it('is not taken from inside the data directory', async () => {
    for (const file of [join(dataDirectory, 'key'), join(dataDirectory, 'x', '..', 'key')])
      await expect(open({ masterKeyFile: file })).rejects.toThrow(withCode('usage/bad-value'))
    await open({ masterKeyFile: `${dataDirectory}-key` })
  })
  it('is asked for when it is missing or another one, and nothing is lost by asking', async () => {
    await (await open()).create(ROUND, 'disk')
    await open({ masterKeyFile: keyFile('second') }).catch(() => undefined)
    await expect(open({ masterKeyFile: keyFile('second') })).rejects.toThrow(
      withCode('vault/no-key'),
    )
    await writeFile(keyFile('second'), `${'ab'.repeat(32)}\n`)
    await expect(open({ masterKeyFile: keyFile('second') })).rejects.toThrow(
      withCode('vault/wrong-key'),
    )
    await expect(open({ masterKeyFile: keyFile('second') })).rejects.toThrow(
      '--abandon-open-rounds',
    )
    await writeFile(keyFile('third'), 'no key')
    await expect(open({ masterKeyFile: keyFile('third') })).rejects.toThrow(
      withCode('vault/wrong-key'),
    )
    expect(await isReadable(await open())).toBe(true)
  })
  it('may be another one when nothing is encrypted', async () => {
    const vault = await open()
    await vault.create(ROUND, 'disk')
    await vault.destroy(ROUND)
    const other = await open({ masterKeyFile: keyFile('second') })
    await other.create(ROUND, 'disk')
    expect(await isReadable(await open({ masterKeyFile: keyFile('second') }))).toBe(true)
  })
  it('is replaced, and open rounds go on, when the previous one is given', async () => {
    const vault = await open()
    const { key } = await vault.create(ROUND, 'disk')
    await vault.create(OTHER, 'disk')
    const replace = {
      masterKeyFile: keyFile('second'),
      previousMasterKeyFile: keyFile('first'),
    }
    const replaced = await open(replace)
    expect(Buffer.from((await replaced.compartment(ROUND))!.key).equals(key)).toBe(true)
    // A crash in between is repeated, and the same command may stay.
    expect(await isReadable(await open(replace), OTHER)).toBe(true)
    await rm(keyFile('first'))
    expect(await isReadable(await open({ masterKeyFile: keyFile('second') }))).toBe(true)
    await expect(open()).rejects.toThrow(withCode('vault/no-key'))
  })
  it('is given up, with what it opens, when the operator says so', async () => {
    const vault = await open()
    await vault.create(ROUND, 'disk')
    await rm(keyFile('first'))
    const next = await open({ abandonUnreadable: true })
    expect(await next.names()).toEqual([])
    expect(await isReadable(next)).toBe(false)
    await next.create(OTHER, 'disk')
    expect(await isReadable(await open(), OTHER)).toBe(true)
  })
  it('finds a key that was damaged or moved to another name', async () => {
    const vault = await open()
    await vault.create(ROUND, 'disk')
    await vault.create(OTHER, 'disk')
    const path = (name: string): string => join(dataDirectory, 'vault', name, 'key')
    await writeFile(path(OTHER), await readFile(path(ROUND)))
    await expect((await open()).compartment(OTHER)).rejects.toThrow(withCode('store/corrupt'))
    await writeFile(path(OTHER), 'damaged')
    await expect(open()).rejects.toThrow(withCode('vault/wrong-key'))
  })
})
