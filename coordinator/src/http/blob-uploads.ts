import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import type { BlobStore } from '#coordinator/store/store.js'

/** A piece of a blob of `total` bytes, from byte `start` on. */
export interface Piece {
  readonly start: number
  readonly total: number
  readonly bytes: Uint8Array
}

/**
 * Blobs on their way from people into the store, a piece a request, so that a large one is never in memory as a whole. What
 * was received survives lost connections and restarts: whoever brings the same blob goes on where it stands.
 */
export class BlobUploads {
  readonly #blobs: BlobStore
  readonly #maxBytes: number
  /** The latest piece of each blob that is being appended: two requests must not write at once. */
  readonly #turns = new Map<Hash, Promise<unknown>>()

  constructor(blobs: BlobStore, maxBytes: number) {
    this.#blobs = blobs
    this.#maxBytes = maxBytes
  }

  /**
   * Takes the piece if it is the next one, and says how many bytes are there then; the last completes the blob. A blob that
   * is there already stays for as long as one that was just put. Throws `bundle/too-large`, or `update/corrupt` when the whole
   * does not hash to its name: nothing of it is kept then.
   */
  async add(hash: Hash, piece: Piece): Promise<number> {
    if (piece.total > this.#maxBytes) {
      throw new FederationError(
        'bundle/too-large',
        `The upload has ${piece.total} bytes; this coordinator takes at most ${this.#maxBytes}`,
      )
    }
    const turn = (this.#turns.get(hash) ?? Promise.resolve()).then(() => this.#append(hash, piece))
    const settled = turn.catch(() => undefined)
    this.#turns.set(hash, settled)
    try {
      return await turn
    } finally {
      if (this.#turns.get(hash) === settled) this.#turns.delete(hash)
    }
  }

  async #append(hash: Hash, { start, total, bytes }: Piece): Promise<number> {
    if (await this.#blobs.touch(hash)) return total
    const staged = await this.#blobs.stage('people', hash, total)
    if (start !== staged.received) return staged.received
    await staged.append(bytes)
    if (staged.received === total) await staged.finish()
    return staged.received
  }
}
