/** AES-256-GCM with a random nonce for each piece: nonce, ciphertext, tag. Nothing else of the project encrypts. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'

export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What a sealed piece is longer by. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES

export const newKey = (): Buffer => randomBytes(KEY_BYTES)

/** `label`: where the piece belongs. It can be opened nowhere else. */
export function seal(key: Uint8Array, plain: Uint8Array, label: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce)
  cipher.setAAD(Buffer.from(label))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Null when it was sealed with another key or for another place, or has changed since. */
export function unseal(key: Uint8Array, sealed: Uint8Array, label: string): Buffer | null {
  if (sealed.byteLength < SEAL_BYTES) return null
  const options = { authTagLength: TAG_BYTES }
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), nonce, options)
  decipher.setAAD(Buffer.from(label)).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return null
  }
}
