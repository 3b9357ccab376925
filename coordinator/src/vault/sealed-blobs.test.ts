import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setFaultHook } from '#protocol/fault-points.js'
import { sha256 } from '#protocol/ids.js'
import { setDiskHook, setSyncFailureHandler } from '#coordinator/durable-files.js'
import { newKey, SEAL_BYTES } from './seal.js'
import { SealedBlobs, SEGMENT_BYTES, type Compartment } from './sealed-blobs.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
/** No byte of it follows from the others. */
const bytesOf = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, i) => (i * 7 + (i >> 8) * 31 + (i >> 16) * 17) % 251)
const isEqual = (a: Uint8Array | null, b: Uint8Array): boolean =>
  a !== null && Buffer.from(a).equals(b)
const failing = (code: string): Error => Object.assign(new Error(code), { code })

describe('sealed blobs', () => {
  let folder: string
  let compartment: Compartment
  let blobs: SealedBlobs
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-sealed-'))
    compartment = { name: 'run-000000000000-1-1', folder, key: newKey() }
    blobs = new SealedBlobs(compartment)
  })
  afterEach(async () => {
    setDiskHook(null)
    setSyncFailureHandler(null)
    setFaultHook(null)
    await rm(folder, { recursive: true, force: true })
  })
  const begin = (bytes: Uint8Array) => blobs.stage('upload', sha256(bytes), bytes.length)
  /** Appends from where the upload stands, at most `count` segments. */
  const send = async (bytes: Uint8Array, count = Infinity) => {
    const staged = await begin(bytes)
    for (let i = 0; i < count && staged.received < bytes.length; i += 1)
      await staged.append(bytes.subarray(staged.received, staged.received + SEGMENT_BYTES))
    return staged
  }

  it.each([0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES + 5])(
    'give %d bytes back, put or uploaded',
    async (length) => {
      const bytes = bytesOf(length)
      const hash = await blobs.put(bytes)
      expect(hash).toBe(sha256(bytes))
      expect(isEqual(await blobs.get(hash), bytes)).toBe(true)
      expect(await blobs.size(hash)).toBe(length)
      await rm(join(folder, hash))
      expect(await blobs.get(hash)).toBeNull()
      expect(await (await send(bytes)).finish()).toBe(hash)
      expect(isEqual(await blobs.get(hash), bytes)).toBe(true)
      expect(await readdir(folder)).toEqual([hash])
    },
  )
  it('show nothing of the bytes on disk, and differ each time', async () => {
    const bytes = new Uint8Array(SEGMENT_BYTES + 100)
    const hash = await blobs.put(bytes)
    const first = await readFile(join(folder, hash))
    await blobs.put(bytes)
    const second = await readFile(join(folder, hash))
    expect(first.length).toBe(bytes.length + 2 * SEAL_BYTES)
    expect(first.equals(second)).toBe(false)
    // Zeros have no pattern any more: all values of a byte occur.
    expect(new Set(first).size).toBe(256)
  })

  it.each([
    ['the nonce', 3],
    ['the bytes', 40],
    ['the last segment', SEGMENT_BYTES + 2 * SEAL_BYTES + 5],
  ])('are refused when %s changed on disk', async (_what, at) => {
    const bytes = bytesOf(SEGMENT_BYTES + 50)
    const path = join(folder, await blobs.put(bytes))
    const sealed = await readFile(path)
    sealed[at] = (sealed[at] ?? 0) ^ 1
    await writeFile(path, sealed)
    await expect(blobs.get(sha256(bytes))).rejects.toThrow(withCode('store/corrupt'))
    await expect(blobs.get(sha256(bytes))).rejects.toThrow(path)
  })
  it('are refused when segments were left out, or moved', async () => {
    const bytes = bytesOf(3 * SEGMENT_BYTES)
    const path = join(folder, await blobs.put(bytes))
    const sealed = await readFile(path)
    const length = SEGMENT_BYTES + SEAL_BYTES
    const [a, b, c] = [0, 1, 2].map((i) => sealed.subarray(i * length, (i + 1) * length))
    for (const order of [[a, b], [b, a, c], [a, a, c], [a, b, c, c], []]) {
      await writeFile(path, Buffer.concat(order as Buffer[]))
      await expect(blobs.get(sha256(bytes))).rejects.toThrow(withCode('store/corrupt'))
    }
    await writeFile(path, sealed)
    expect(isEqual(await blobs.get(sha256(bytes)), bytes)).toBe(true)
  })
  it('open with their own key and in their own compartment only', async () => {
    const hash = await blobs.put(bytesOf(10))
    for (const other of [{ key: newKey() }, { name: 'run-000000000000-1-2' }]) {
      const wrong = new SealedBlobs({ ...compartment, ...other })
      await expect(wrong.get(hash)).rejects.toThrow(withCode('store/corrupt'))
    }
  })

  it('go on with an upload at the segment where a crash left it', async () => {
    const bytes = bytesOf(3 * SEGMENT_BYTES + 9)
    await send(bytes, 2)
    const [staged = ''] = await readdir(folder)
    const before = await readFile(join(folder, staged))
    // The process died while it wrote the second.
    await truncate(join(folder, staged), SEGMENT_BYTES + SEAL_BYTES + 1000)
    expect((await begin(bytes)).received).toBe(SEGMENT_BYTES)
    // The machine lost its power: the first is not what was written.
    before[100] = (before[100] ?? 0) ^ 255
    await writeFile(join(folder, staged), before)
    expect((await begin(bytes)).received).toBe(0)
    expect(await (await send(bytes)).finish()).toBe(sha256(bytes))
    expect(isEqual(await blobs.get(sha256(bytes)), bytes)).toBe(true)
  })
  it('refuse an upload of other bytes than were announced, and keep nothing of it', async () => {
    const staged = await blobs.stage('upload', sha256('other'), 10)
    await staged.append(bytesOf(10))
    await expect(staged.finish()).rejects.toThrow(withCode('update/corrupt'))
    expect(await readdir(folder)).toEqual([])
    await expect(staged.append(bytesOf(1))).rejects.toThrow(withCode('update/corrupt'))
  })
  it('say that the round closed when their folder is gone', async () => {
    const bytes = bytesOf(SEGMENT_BYTES + 1)
    const staged = await send(bytes, 1)
    await rm(folder, { recursive: true })
    await expect(staged.append(bytes.subarray(SEGMENT_BYTES))).rejects.toThrow(
      withCode('round/closed'),
    )
  })

  it.each(['ENOSPC', 'EIO'])('go on after a write that failed with %s', async (code) => {
    const bytes = bytesOf(2 * SEGMENT_BYTES)
    const staged = await send(bytes, 1)
    setDiskHook((step) => {
      if (step === 'write') throw failing(code)
    })
    await expect(staged.append(bytes.subarray(SEGMENT_BYTES))).rejects.toThrow(withCode('store/io'))
    await expect(blobs.put(bytes)).rejects.toThrow(code)
    setDiskHook(null)
    expect(staged.received).toBe(SEGMENT_BYTES)
    expect(await (await send(bytes)).finish()).toBe(sha256(bytes))
    expect(isEqual(await blobs.get(sha256(bytes)), bytes)).toBe(true)
  })
  it.each(['ENOSPC', 'EIO'])(
    'end the process when a sync fails with %s, and do not try again',
    async (code) => {
      const ended = vi.fn()
      const syncs: string[] = []
      setSyncFailureHandler(ended)
      setDiskHook((step, path) => {
        if (step !== 'sync') return
        syncs.push(path)
        throw failing(code)
      })
      const staged = await send(bytesOf(10))
      await expect(staged.finish()).rejects.toThrow(withCode('store/io'))
      expect(ended).toHaveBeenCalledTimes(1)
      expect(ended).toHaveBeenCalledWith(withCode('store/io'))
      expect(syncs).toHaveLength(1)
      // Not at its address: nobody takes it for durable.
      expect(await blobs.get(sha256(bytesOf(10)))).toBeNull()
    },
  )
  it('pass the named points of an upload in their order', async () => {
    const passed: string[] = []
    setFaultHook((point) => passed.push(point))
    await (await send(bytesOf(SEGMENT_BYTES + 1))).finish()
    const [chunk, sync, rename] = ['chunk.written', 'staged.before_fsync', 'blob.renamed']
    expect(passed).toEqual([chunk, chunk, sync, rename])
  })
})
