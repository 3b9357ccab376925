import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { isHash, sha256, type Hash } from '#protocol/ids.js'
import {
  absentAsNull,
  guarded,
  syncFile,
  syncFolder,
  writeAll,
} from '#coordinator/durable-files.js'
import type { BlobStore, StagedBlob } from './store.js'
import { corruptUpload, tooLong } from './memory-blobs.js'

/** Begins the names of files that are being written. */
const UNFINISHED = 'put-'
const STAGED_UPLOADS_KEPT_MS = 24 * 3_600_000

export interface FileBlobsOptions {
  /** False: no fsync, for a temporary directory that need not survive a power cut. */
  readonly durable: boolean
  /** True: nobody else has the directory open, so what a killed process had half written is deleted. */
  readonly sole?: boolean
}

/**
 * Content-addressed files `blobs/aa/<sha256>`. A blob is written to `staging/`, synced, renamed to its address, and its
 * folder synced: after a crash it is there whole or not at all. Several processes may share a directory.
 */
export class FileBlobs implements BlobStore {
  readonly #blobs: string
  readonly #staging: string
  readonly #durable: boolean

  private constructor(directory: string, options: FileBlobsOptions) {
    this.#blobs = join(directory, 'blobs')
    this.#staging = join(directory, 'staging')
    this.#durable = options.durable
  }

  /** Creates the folders where absent and forgets uploads that nobody has continued for a day. */
  static async open(
    directory: string,
    options: FileBlobsOptions = { durable: true },
  ): Promise<FileBlobs> {
    const store = new FileBlobs(directory, options)
    await guarded(directory, async () => {
      await mkdir(store.#blobs, { recursive: true })
      await mkdir(store.#staging, { recursive: true })
      await store.#forgetOldUploads(options.sole === true)
    })
    return store
  }

  /** Blobs of a directory that is only read, such as a backup: nothing is made or tidied there. */
  static openReadOnly(directory: string): FileBlobs {
    return new FileBlobs(directory, { durable: true })
  }

  path(hash: Hash): string {
    return join(this.#blobs, hash.slice(0, 2), hash)
  }

  async put(bytes: Uint8Array): Promise<Hash> {
    const hash = sha256(bytes)
    await guarded(this.path(hash), async () => {
      if (await this.#refresh(hash)) return
      const temporary = join(this.#staging, `${UNFINISHED}${randomBytes(12).toString('hex')}`)
      await this.#writeFile(temporary, bytes)
      faultPoint('model.tmp_written')
      await this.#moveIn(temporary, hash)
      faultPoint('model.renamed')
    })
    return hash
  }

  async get(hash: Hash): Promise<Uint8Array | null> {
    const path = this.path(hash)
    const bytes = await guarded(path, () => absentAsNull(readFile(path)))
    if (bytes !== null && sha256(bytes) !== hash) {
      throw new FederationError(
        'store/corrupt',
        `The file ${path} does not hold the bytes its name says`,
        { details: { path } },
      )
    }
    return bytes
  }

  async has(hash: Hash): Promise<boolean> {
    return (await this.size(hash)) !== null
  }

  async size(hash: Hash): Promise<number | null> {
    const path = this.path(hash)
    return guarded(path, async () => (await absentAsNull(stat(path)))?.size ?? null)
  }

  async touch(hash: Hash): Promise<boolean> {
    return guarded(this.path(hash), () => this.#refresh(hash))
  }

  async delete(hash: Hash): Promise<void> {
    await guarded(this.path(hash), () => rm(this.path(hash), { force: true }))
  }

  async *list(olderThanMs: number): AsyncIterable<Hash> {
    // Without grace, all: the clock may have been ahead when a blob was put.
    const newest = olderThanMs <= 0 ? Infinity : Date.now() - olderThanMs
    for (const folder of await readdir(this.#blobs)) {
      for (const name of await readdir(join(this.#blobs, folder))) {
        if (!isHash(name)) continue
        const info = await absentAsNull(stat(this.path(name)))
        if (info !== null && info.mtimeMs <= newest) yield name
      }
    }
  }

  /** Every file where blobs lie, with its bytes read: `hash` is null where they are not what the name says. */
  async *audit(): AsyncIterable<{
    readonly path: string
    readonly hash: Hash | null
    readonly size: number
  }> {
    for (const folder of await readdir(this.#blobs)) {
      for (const name of await readdir(join(this.#blobs, folder))) {
        const path = join(this.#blobs, folder, name)
        const { size } = await guarded(path, () => stat(path))
        const isSound = folder === name.slice(0, 2) && (await hashOrNull(path)) === name
        yield { path, hash: isSound ? (name as Hash) : null, size }
      }
    }
  }

  async stage(uploadId: string, hash: Hash, total: number): Promise<StagedBlob> {
    // Hashed, so that no peer chooses a file name, and so that an upload only continues one of the same bytes.
    const path = join(this.#staging, sha256(`${uploadId}|${hash}|${total}`))
    let received = await guarded(path, async () => (await absentAsNull(stat(path)))?.size ?? 0)
    const drop = (): Promise<void> => guarded(path, () => rm(path, { force: true }))
    return {
      get received() {
        return received
      },
      append: async (chunk) => {
        if (received + chunk.byteLength > total) throw tooLong(total)
        await guarded(path, () => this.#appendTo(path, chunk))
        received += chunk.byteLength
      },
      finish: async () => {
        if (received !== total || (await guarded(path, () => hashFile(path))) !== hash) {
          await drop()
          throw corruptUpload(hash)
        }
        await guarded(path, async () => {
          await this.#syncFile(path)
          await this.#moveIn(path, hash)
          faultPoint('blob.renamed')
        })
        return hash
      },
      drop,
    }
  }

  /** A blob put again counts as new: a collection may be about to take the old one. */
  async #refresh(hash: Hash): Promise<boolean> {
    const now = new Date()
    const touched = await absentAsNull(utimes(this.path(hash), now, now).then(() => true))
    if (touched === null) return false
    await this.#syncFolder(join(this.#blobs, hash.slice(0, 2)))
    return true
  }

  async #writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const file = await open(path, 'wx')
    try {
      await writeAll(file, bytes, { path })
      if (this.#durable) await syncFile(file, path)
    } finally {
      await file.close()
    }
  }

  async #appendTo(path: string, chunk: Uint8Array): Promise<void> {
    const file = await open(path, 'a')
    try {
      await writeAll(file, chunk, { path })
    } finally {
      await file.close()
    }
  }

  async #moveIn(path: string, hash: Hash): Promise<void> {
    const folder = join(this.#blobs, hash.slice(0, 2))
    const made = await mkdir(folder, { recursive: true })
    if (made !== undefined) await this.#syncFolder(this.#blobs)
    await rename(path, this.path(hash))
    await this.#syncFolder(folder)
  }

  async #syncFile(path: string): Promise<void> {
    if (!this.#durable) return
    const file = await open(path, 'r+')
    try {
      await syncFile(file, path)
    } finally {
      await file.close()
    }
  }

  async #syncFolder(path: string): Promise<void> {
    if (this.#durable) await syncFolder(path)
  }

  async #forgetOldUploads(isSole: boolean): Promise<void> {
    for (const name of await readdir(this.#staging)) {
      const path = join(this.#staging, name)
      const info = await absentAsNull(stat(path))
      const isOld = info !== null && Date.now() - info.mtimeMs > STAGED_UPLOADS_KEPT_MS
      if (isOld || (isSole && name.startsWith(UNFINISHED))) await rm(path, { force: true })
    }
  }
}

/** Null: the disk cannot read it, or it is no file. */
const hashOrNull = (path: string): Promise<Hash | null> => hashFile(path).catch(() => null)

async function hashFile(path: string): Promise<Hash> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex') as Hash
}
