import { createCipheriv, hkdfSync } from 'node:crypto'
import { WordStream } from './random.js'

const KEY_BYTES = 32
const BUFFER_BYTES = 65_536
const ZEROS = Buffer.alloc(BUFFER_BYTES)

/** 32 bytes that tell nothing of `secret` nor of those for any other `purpose` (HKDF with SHA-256, RFC 5869). */
export const derivedKey = (secret: Uint8Array, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', purpose, KEY_BYTES))

/**
 * Random numbers that nobody can foretell without the key, of which there must be one for each stream: the words are, as
 * little-endian, the key stream of AES-256 in counter mode from zero. Equal keys, equal numbers: what is drawn again after a
 * crash is the same.
 */
export class SecretStream extends WordStream {
  readonly #cipher
  #buffer = Buffer.alloc(0)
  #at = 0

  /** 32 bytes, as of `derivedKey`. */
  constructor(key: Uint8Array) {
    super()
    this.#cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  }

  uint32(): number {
    if (this.#at === this.#buffer.length) {
      this.#buffer = this.#cipher.update(ZEROS)
      this.#at = 0
    }
    const word = this.#buffer.readUInt32LE(this.#at)
    this.#at += 4
    return word
  }
}
