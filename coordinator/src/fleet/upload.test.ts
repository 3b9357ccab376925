import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeFrame, type Frame } from '#protocol/frame.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { CHUNK_BYTES } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { beginOf, frameOf, type Outgoing } from '#testing/socket-node.js'
import { Upload } from './upload.js'

const TASK = {
  runId: 'run-0123456789ab' as RunId,
  round: 1,
  attempt: 1,
  slot: 2,
  lease: 'ab'.repeat(16),
}
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

/** Bytes of five chunks, the last a short one. */
const BYTES = new Uint8Array(4 * CHUNK_BYTES + 3).map((_, i) => i % 253)
const UPDATE: Outgoing = { task: TASK, bytes: BYTES }
const frame = (index: number, change: object = {}): Frame =>
  unwrap(decodeFrame(frameOf(UPDATE, index, change), { maxChunkBytes: CHUNK_BYTES }))
/** Comparing a megabyte element by element would take seconds. */
const areBytes = (other: Uint8Array | null): boolean =>
  Buffer.from(BYTES).equals(other ?? new Uint8Array())
const open = (blobs: BlobStore, update = UPDATE): Promise<Upload> =>
  Upload.open(blobs, beginOf(update), CHUNK_BYTES)

describe('an upload', () => {
  let blobs: MemoryBlobs
  let upload: Upload
  beforeEach(async () => {
    blobs = new MemoryBlobs()
    upload = await open(blobs)
  })

  it('takes chunks in order and puts the whole at its address', async () => {
    for (let index = 0; index < 5; index += 1)
      expect(await upload.write(frame(index), 7)).toBe(index + 1)
    expect(await upload.finish()).toBe(sha256(BYTES))
    expect(areBytes(await blobs.get(sha256(BYTES)))).toBe(true)
    expect(upload.frameBytes).toBe(35)
  })
  it('takes four chunks that follow each other without waiting, but not five', async () => {
    const writes = [0, 1, 2, 3, 4].map((index) => upload.write(frame(index), 0))
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => 'fulfilled'),
      'rejected',
    ])
    await expect(writes[4]).rejects.toThrow(withCode('upload/out-of-order'))
    expect(await upload.write(frame(4), 0)).toBe(5)
    expect(await upload.finish()).toBe(sha256(BYTES))
  })
  it.each([
    ['the second first', [1]],
    ['the same twice', [0, 0]],
    ['one too far', [0, 2]],
  ])('refuses %s', async (_what, indices) => {
    const [last = 0, ...before] = indices.toReversed()
    for (const index of before.toReversed()) await upload.write(frame(index), 0)
    await expect(upload.write(frame(last), 0)).rejects.toThrow(withCode('upload/out-of-order'))
    expect(upload.nextChunk).toBe(before.length)
  })
  it.each([
    ['run', { runId: 'run-000000000000' }],
    ['round', { round: 2 }],
    ['attempt', { attempt: 2 }],
    ['lease', { lease: 'cd'.repeat(16) }],
    ['hash', { payloadSha256: '0'.repeat(64) }],
    ['length', { payloadBytes: BYTES.length + 1 }],
    ['weight', { weight: 2 }],
  ])('refuses a frame of another %s', async (_what, change) => {
    await expect(upload.write(frame(0, change), 0)).rejects.toThrow(withCode('frame/malformed'))
  })
  it('refuses a chunk that is shorter than it must be', async () => {
    const short = { ...frame(0), chunk: frame(0).chunk.subarray(1) }
    await expect(upload.write(short, 0)).rejects.toThrow(/262143 bytes; 262144 were due/)
  })
  it('is not finished before all of it has arrived, and goes on then', async () => {
    await upload.write(frame(0), 0)
    await expect(upload.finish()).rejects.toThrow(withCode('upload/out-of-order'))
    for (const index of [1, 2, 3, 4]) await upload.write(frame(index), 0)
    expect(await upload.finish()).toBe(sha256(BYTES))
    expect(await upload.finish()).toBe(sha256(BYTES))
  })
  it('of bytes that do not hash to what was announced is dropped', async () => {
    const begin = { ...beginOf(UPDATE), sha256: sha256('other') }
    const lying = await Upload.open(blobs, begin, CHUNK_BYTES)
    for (let index = 0; index < 5; index += 1)
      await lying.write(frame(index, { payloadSha256: begin.sha256 }), 0)
    await expect(lying.finish()).rejects.toThrow(withCode('update/corrupt'))
    expect((await Upload.open(blobs, begin, CHUNK_BYTES)).nextChunk).toBe(0)
  })
  it('goes on from what is staged when it is opened again', async () => {
    for (const index of [0, 1]) await upload.write(frame(index), 0)
    const again = await open(blobs)
    expect(again.nextChunk).toBe(2)
    for (const index of [2, 3, 4]) await again.write(frame(index), 0)
    const complete = await open(blobs)
    expect(complete.nextChunk).toBe(5)
    expect(await complete.finish()).toBe(sha256(BYTES))
  })
  it('writes nothing after a chunk that could not be written', async () => {
    const staged = { received: 0, appended: [] as number[] }
    const broken = {
      stage: async () => ({
        received: 0,
        append: async () => {
          staged.appended.push(1)
          throw new Error('disk full')
        },
      }),
    } as unknown as BlobStore
    const failing = await open(broken)
    const outcomes = await Promise.allSettled([
      failing.write(frame(0), 0),
      failing.write(frame(1), 0),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(staged.appended).toEqual([1])
    await failing.idle()
  })
})

describe('an upload on disk', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-upload-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('goes on after a crash in the middle of writing a chunk', async () => {
    const before = await open(await FileBlobs.open(directory))
    for (const index of [0, 1, 2]) await before.write(frame(index), 0)
    const [file = ''] = await readdir(join(directory, 'staging'))
    await truncate(join(directory, 'staging', file), 2 * CHUNK_BYTES + 1234)

    const blobs = await FileBlobs.open(directory)
    const after = await open(blobs)
    expect(after.nextChunk).toBe(2)
    for (const index of [2, 3, 4]) await after.write(frame(index), 0)
    expect(await after.finish()).toBe(sha256(BYTES))
    expect(areBytes(await blobs.get(sha256(BYTES)))).toBe(true)
  })
})
