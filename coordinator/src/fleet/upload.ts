import { FederationError } from '#protocol/errors.js'
import type { Frame } from '#protocol/frame.js'
import type { Hash } from '#protocol/ids.js'
import { CHUNK_CREDITS, type Message } from '#protocol/messages.js'
import type { BlobStore, StagedBlob } from '#coordinator/store/store.js'

type Begin = Message<'update:begin'>

/**
 * One update on its way into the blob store: chunks strictly in order, at most four of them not yet written. Bytes that
 * are staged survive a lost connection and a restart of the coordinator; `nextChunk` says where to go on.
 */
export class Upload {
  readonly begin: Begin
  readonly #staged: StagedBlob
  readonly #chunkBytes: number
  #next: number
  #unwritten = 0
  #written: Promise<void> = Promise.resolve()
  #finished: Promise<Hash> | null = null
  #frameBytes = 0

  private constructor(begin: Begin, staged: StagedBlob, chunkBytes: number) {
    this.begin = begin
    this.#staged = staged
    this.#chunkBytes = chunkBytes
    this.#next = this.#firstMissing()
  }

  /** Starts, or goes on with what is staged under the same id, hash and length. */
  static async open(
    blobs: Pick<BlobStore, 'stage'>,
    begin: Begin,
    chunkBytes: number,
  ): Promise<Upload> {
    return new Upload(
      begin,
      await blobs.stage(begin.updateId, begin.sha256, begin.bytes),
      chunkBytes,
    )
  }

  get nextChunk(): number {
    return this.#next
  }
  /** What came over the wire for it since it was opened, headers included. */
  get frameBytes(): number {
    return this.#frameBytes
  }

  /**
   * Appends one chunk; resolves with the index of the next when it is written. Throws `frame/malformed` for one that does
   * not belong here and `upload/out-of-order`: then the node asks again where to go on.
   */
  async write(frame: Frame, frameBytes: number): Promise<number> {
    this.#judge(frame)
    this.#frameBytes += frameBytes
    this.#next = frame.chunkIndex + 1
    this.#unwritten += 1
    const written = this.#written.then(() => this.#append(frame))
    // A chunk that could not be written leaves a gap: what follows must not be written either.
    this.#written = written
    written.catch(() => undefined)
    try {
      await written
    } finally {
      this.#unwritten -= 1
    }
    return frame.chunkIndex + 1
  }

  /** Resolves when no chunk is being written any more. */
  async idle(): Promise<void> {
    await this.#written.catch(() => undefined)
  }

  /** Whether it can go on: nothing is being written any more, all that was is there, and it is not complete. */
  async isSound(): Promise<boolean> {
    const isWritten = await this.#written.then(
      () => true,
      () => false,
    )
    return isWritten && this.#finished === null
  }

  /** Forgets what is staged: the node has begun another update instead. */
  async drop(): Promise<void> {
    await this.idle()
    await this.#staged.drop()
  }

  /** Verifies and moves the bytes to their address. Rejects with `upload/out-of-order` and `update/corrupt`. */
  finish(): Promise<Hash> {
    this.#finished ??= this.#finish()
    return this.#finished
  }

  async #finish(): Promise<Hash> {
    await this.#written
    const { received } = this.#staged
    if (received < this.begin.bytes) {
      this.#finished = null
      throw outOfOrder(`${received} of ${this.begin.bytes} bytes have arrived`)
    }
    return this.#staged.finish()
  }

  #judge({ header, chunkIndex, chunk }: Frame): void {
    const { begin } = this
    const isSame =
      header.runId === begin.runId &&
      header.round === begin.round &&
      header.attempt === begin.attempt &&
      header.lease === begin.lease &&
      header.payloadSha256 === begin.sha256 &&
      header.payloadBytes === begin.bytes &&
      header.weight === begin.weight
    if (!isSame)
      throw new FederationError('frame/malformed', 'The header differs from what update:begin said')
    if (chunkIndex !== this.#next)
      throw outOfOrder(`Chunk ${chunkIndex} came where ${this.#next} was due`)
    if (this.#unwritten >= CHUNK_CREDITS)
      throw outOfOrder(`More than ${CHUNK_CREDITS} chunks are unacknowledged`)
    const due = Math.min(this.#chunkBytes, begin.bytes - chunkIndex * this.#chunkBytes)
    if (chunk.byteLength !== due) {
      const message = `Chunk ${chunkIndex} has ${chunk.byteLength} bytes; ${Math.max(due, 0)} were due`
      throw new FederationError('frame/malformed', message)
    }
  }

  /** A crash may have left part of a chunk: the node sends it whole, the part that is there is skipped. */
  async #append({ chunkIndex, chunk }: Frame): Promise<void> {
    const skipped = this.#staged.received - chunkIndex * this.#chunkBytes
    await this.#staged.append(chunk.subarray(skipped))
  }

  #firstMissing(): number {
    const { received } = this.#staged
    return received >= this.begin.bytes
      ? Math.ceil(received / this.#chunkBytes)
      : Math.floor(received / this.#chunkBytes)
  }
}

const outOfOrder = (message: string): FederationError =>
  new FederationError('upload/out-of-order', `${message}; begin again to learn where to go on`)
