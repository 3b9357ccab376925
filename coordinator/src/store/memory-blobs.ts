import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import type { BlobStore, StagedBlob } from './store.js'

interface Staged {
  readonly hash: Hash
  readonly chunks: Uint8Array[]
  readonly total: number
}

/** Blobs in this process's memory, for simulations and tests. Bytes are copied in, so that a caller's later writes do not change them. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<Hash, { readonly bytes: Uint8Array; readonly putAt: number }>()
  readonly #staged = new Map<string, Staged>()

  async put(bytes: Uint8Array): Promise<Hash> {
    const hash = sha256(bytes)
    this.#blobs.set(hash, {
      bytes: this.#blobs.get(hash)?.bytes ?? bytes.slice(),
      putAt: performance.now(),
    })
    return hash
  }
  /** No check of the hash: nothing but this process can have changed the bytes. */
  async get(hash: Hash): Promise<Uint8Array | null> {
    return this.#blobs.get(hash)?.bytes ?? null
  }
  async has(hash: Hash): Promise<boolean> {
    return this.#blobs.has(hash)
  }
  async size(hash: Hash): Promise<number | null> {
    return this.#blobs.get(hash)?.bytes.byteLength ?? null
  }
  async touch(hash: Hash): Promise<boolean> {
    const blob = this.#blobs.get(hash)
    if (blob !== undefined) this.#blobs.set(hash, { ...blob, putAt: performance.now() })
    return blob !== undefined
  }
  path(): null {
    return null
  }
  async delete(hash: Hash): Promise<void> {
    this.#blobs.delete(hash)
  }
  async *list(olderThanMs: number): AsyncIterable<Hash> {
    const now = performance.now()
    for (const [hash, { putAt }] of [...this.#blobs]) if (now - putAt >= olderThanMs) yield hash
  }

  async stage(uploadId: string, hash: Hash, total: number): Promise<StagedBlob> {
    const key = `${uploadId}|${hash}|${total}`
    const staged = this.#staged.get(key) ?? { hash, total, chunks: [] }
    this.#staged.set(key, staged)
    const received = (): number => staged.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    const drop = async (): Promise<void> => {
      this.#staged.delete(key)
    }
    return {
      get received() {
        return received()
      },
      append: async (chunk) => {
        if (received() + chunk.byteLength > total) throw tooLong(total)
        staged.chunks.push(chunk.slice())
      },
      finish: async () => {
        await drop()
        const bytes = Buffer.concat(staged.chunks)
        if (bytes.byteLength !== total || sha256(bytes) !== hash) throw corruptUpload(hash)
        return this.put(bytes)
      },
      drop,
    }
  }
}

export const tooLong = (total: number): FederationError =>
  new FederationError(
    'update/corrupt',
    `The upload holds more than the ${total} bytes it announced`,
  )
export const corruptUpload = (hash: Hash): FederationError =>
  new FederationError('update/corrupt', `The uploaded bytes do not hash to ${hash}`)
