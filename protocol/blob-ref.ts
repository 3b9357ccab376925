import type { Hash } from './ids.js'

/** Bytes in the blob store, by address. */
export interface BlobRef {
  readonly hash: Hash
  readonly bytes: number
}
