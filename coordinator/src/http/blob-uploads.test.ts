import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { BlobUploads } from './blob-uploads.js'
import { receiveBlob } from './blobs.js'
import type { Call } from './call.js'

const WHOLE = Buffer.from('a bundle that comes in pieces')
const HASH = sha256(WHOLE)
const TOTAL = WHOLE.length

interface Change {
  readonly name?: string
  readonly range?: string
  readonly bytes?: unknown
}

describe('an upload', () => {
  let blobs: BlobStore
  let uploads: BlobUploads
  beforeEach(() => {
    blobs = new MemoryStore().blobs
    uploads = new BlobUploads(blobs, 100)
  })

  /** As a request brings it: bytes start … end - 1. */
  const put = async (start: number, end: number, change: Change = {}): Promise<number> => {
    const { name = HASH, bytes = WHOLE.subarray(start, end) } = change
    const { range = `bytes ${start}-${end - 1}/${TOTAL}` } = change
    const call = {
      ...{ parts: { uploads }, params: { hash: name }, body: bytes },
      request: { get: () => range },
    }
    return (await receiveBlob(call as unknown as Call)).received
  }

  it('is stored when its last piece is there', async () => {
    expect(await put(0, 10)).toBe(10)
    expect(await blobs.has(HASH)).toBe(false)
    expect(await put(10, TOTAL)).toBe(TOTAL)
    expect(await blobs.get(HASH)).toEqual(WHOLE)
  })

  it('goes on where it stands, whatever piece comes', async () => {
    expect(await put(10, 20)).toBe(0)
    expect(await put(0, 10)).toBe(10)
    expect(await put(0, 10)).toBe(10)
    expect(await put(20, TOTAL)).toBe(10)
    uploads = new BlobUploads(blobs, 100)
    expect(await put(20, TOTAL), 'after a restart').toBe(10)
  })

  it('of two people at once becomes one blob', async () => {
    // On disk, where an append takes long enough for another request to come in between.
    const directory = await mkdtemp(join(tmpdir(), 'tributary-uploads-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    blobs = await FileBlobs.open(directory, { durable: false })
    uploads = new BlobUploads(blobs, 100)
    expect(await Promise.all([put(0, 10), put(0, 10), put(0, 10)])).toEqual([10, 10, 10])
    expect(await Promise.all([put(10, TOTAL), put(10, TOTAL)])).toEqual([TOTAL, TOTAL])
    expect(await blobs.get(HASH)).toEqual(WHOLE)
  })

  it('is over at once for what is there already', async () => {
    await blobs.put(WHOLE)
    expect(await put(0, 1)).toBe(TOTAL)
  })

  it('starts anew when it does not hash to its name', async () => {
    const name = sha256('something else')
    await expect(put(0, TOTAL, { name })).rejects.toMatchObject({ code: 'update/corrupt' })
    expect(await blobs.has(name)).toBe(false)
    expect(await put(1, 2, { name })).toBe(0)
  })

  it('is refused when it is larger than allowed, before a byte is kept', async () => {
    await expect(put(0, 10, { range: 'bytes 0-9/101' })).rejects.toMatchObject({
      code: 'bundle/too-large',
    })
    expect((await blobs.stage('people', HASH, 101)).received).toBe(0)
  })

  it.each([
    ['no range', { range: '' }],
    ['a range of another form', { range: 'bytes 0-9/*' }],
    ['a range beyond its end', { range: 'bytes 0-9/9' }],
    ['a range that is turned around', { range: 'bytes 9-0/29' }],
    ['another length than announced', { bytes: WHOLE }],
    ['no bytes', { bytes: new Uint8Array(0) }],
    ['a name that is no hash', { name: '../model' }],
  ] satisfies readonly (readonly [string, Change])[])(
    'is refused with %s',
    async (_what, change) => {
      await expect(put(0, 10, change)).rejects.toMatchObject({ code: 'message/malformed' })
    },
  )
})
