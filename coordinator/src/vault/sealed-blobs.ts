import { createHash, randomBytes, type Hash as Digest } from 'node:crypto'
import { constants, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { CHUNK_BYTES } from '#protocol/messages.js'
import {
  absentAsNull,
  guarded,
  syncFile,
  syncFolder,
  writeAll,
} from '#coordinator/durable-files.js'
import { corruptUpload, tooLong } from '#coordinator/store/memory-blobs.js'
import type { BlobStore, StagedBlob } from '#coordinator/store/store.js'
import { seal, SEAL_BYTES, unseal } from './seal.js'

/** Where the blobs of one round lie, and the key that opens them. Plain data: a compute process gets it with its request. */
export interface Compartment {
  readonly name: string
  readonly folder: string
  readonly key: Uint8Array
}

/** A chunk of an upload is a segment, so that an upload goes on at the chunk where it stopped. */
export const SEGMENT_BYTES = CHUNK_BYTES
const SEALED_SEGMENT = SEGMENT_BYTES + SEAL_BYTES
const APPENDABLE = constants.O_CREAT | constants.O_WRONLY

/**
 * Content-addressed bytes, encrypted: files `<folder>/<SHA-256 of the plain bytes>` of segments that are each sealed to their
 * file and place in it. As durable as other blobs: whole at their address, or not there.
 */
export class SealedBlobs implements Pick<BlobStore, 'put' | 'get' | 'size' | 'path' | 'stage'> {
  readonly #compartment: Compartment

  constructor(compartment: Compartment) {
    this.#compartment = compartment
  }

  async put(bytes: Uint8Array): Promise<Hash> {
    const hash = sha256(bytes)
    const temporary = join(this.#compartment.folder, `put-${randomBytes(12).toString('hex')}`)
    await guarded(temporary, async () => {
      const file = await open(temporary, 'wx', 0o600)
      try {
        for (let start = 0; start < bytes.byteLength; start += SEGMENT_BYTES) {
          const segment = bytes.subarray(start, start + SEGMENT_BYTES)
          await this.#write(file, temporary, { hash, start, segment })
        }
        await syncFile(file, temporary)
      } finally {
        await file.close()
      }
      await this.#moveIn(temporary, hash)
    })
    return hash
  }

  /** Null if absent. Rejects with `store/corrupt` when the file does not hold what its name says. */
  async get(hash: Hash): Promise<Uint8Array | null> {
    const path = this.#pathOf(hash)
    return guarded(path, async () => {
      const file = await absentAsNull(open(path, 'r'))
      if (file === null) return null
      try {
        const { size } = await file.stat()
        const bytes = Buffer.alloc(plainBytes(size))
        let end = 0
        for await (const segment of this.#segments(file, hash)) end += segment.copy(bytes, end)
        if (end === bytes.byteLength && sha256(bytes) === hash) return bytes
        throw new FederationError(
          'store/corrupt',
          `The file ${path} does not hold the bytes its name says`,
          { details: { path } },
        )
      } finally {
        await file.close()
      }
    })
  }

  async size(hash: Hash): Promise<number | null> {
    const path = this.#pathOf(hash)
    const info = await guarded(path, () => absentAsNull(stat(path)))
    return info === null ? null : plainBytes(info.size)
  }

  /** No file holds the plain bytes. */
  path(): null {
    return null
  }

  /** As of a blob store, but chunks are whole segments. What a crash has left incomplete, or damaged, is staged anew. */
  async stage(uploadId: string, hash: Hash, total: number): Promise<StagedBlob> {
    const staged = `staged-${sha256(`${uploadId}|${hash}|${total}`)}`
    const path = join(this.#compartment.folder, staged)
    const digest = createHash('sha256')
    let received = await guarded(path, () => this.#resume(path, hash, digest))
    const drop = (): Promise<void> => guarded(path, () => rm(path, { force: true }))
    return {
      get received() {
        return received
      },
      append: async (segment) => {
        if (received + segment.byteLength > total) throw tooLong(total)
        if (segment.byteLength !== Math.min(SEGMENT_BYTES, total - received))
          throw new FederationError('internal/bug', 'What is appended is not a whole segment')
        await whileOpen(path, () => this.#append(path, { hash, start: received, segment }))
        digest.update(segment)
        received += segment.byteLength
      },
      finish: async () => {
        if (received !== total || digest.copy().digest('hex') !== hash) {
          await drop()
          throw corruptUpload(hash)
        }
        await whileOpen(path, () => this.#finish(path, hash))
        return hash
      },
      drop,
    }
  }

  /** How many bytes of a staged file can be gone on from; they are in the digest then. */
  async #resume(path: string, hash: Hash, digest: Digest): Promise<number> {
    const file = await absentAsNull(open(path, 'r'))
    if (file === null) return 0
    try {
      let received = 0
      for await (const segment of this.#segments(file, hash)) {
        digest.update(segment)
        received += segment.byteLength
      }
      return received
    } finally {
      await file.close()
    }
  }

  async #append(path: string, what: Segment): Promise<void> {
    const file = await open(path, APPENDABLE, 0o600)
    try {
      await this.#write(file, path, what)
    } finally {
      await file.close()
    }
    faultPoint('chunk.written')
  }

  /** At its place, whatever a write that failed has left there. */
  async #write(file: FileHandle, path: string, { hash, start, segment }: Segment): Promise<void> {
    const index = start / SEGMENT_BYTES
    const sealed = seal(this.#compartment.key, segment, this.#label(hash, index))
    await writeAll(file, sealed, { path, position: index * SEALED_SEGMENT })
  }

  async #finish(path: string, hash: Hash): Promise<void> {
    const file = await open(path, APPENDABLE, 0o600)
    try {
      await syncFile(file, path, () => faultPoint('staged.before_fsync'))
    } finally {
      await file.close()
    }
    await this.#moveIn(path, hash)
  }

  async #moveIn(path: string, hash: Hash): Promise<void> {
    await rename(path, this.#pathOf(hash))
    await syncFolder(this.#compartment.folder)
    faultPoint('blob.renamed')
  }

  /** In order, as far as they can be opened. */
  async *#segments(file: FileHandle, hash: Hash): AsyncGenerator<Buffer> {
    const buffer = Buffer.alloc(SEALED_SEGMENT)
    for (let index = 0; ; index += 1) {
      const { bytesRead } = await file.read(buffer, 0, SEALED_SEGMENT, index * SEALED_SEGMENT)
      const sealed = buffer.subarray(0, bytesRead)
      const plain = unseal(this.#compartment.key, sealed, this.#label(hash, index))
      if (plain === null) return
      yield plain
    }
  }

  #label = (hash: Hash, index: number): string => `${this.#compartment.name}|${hash}|${index}`
  #pathOf = (hash: Hash): string => join(this.#compartment.folder, hash)
}

interface Segment {
  readonly hash: Hash
  readonly start: number
  readonly segment: Uint8Array
}

const plainBytes = (sealedBytes: number): number =>
  Math.max(0, sealedBytes - Math.ceil(sealedBytes / SEALED_SEGMENT) * SEAL_BYTES)

/** A folder that is gone was destroyed with its round's key. */
const whileOpen = (path: string, work: () => Promise<void>): Promise<void> =>
  guarded(path, async () => {
    if ((await absentAsNull(work().then(() => true))) === null)
      throw new FederationError('round/closed', 'The round closed before this update was complete')
  })
