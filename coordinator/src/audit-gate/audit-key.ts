import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { newKeyPair, publicKeyOf, type KeyPair } from '#protocol/proof.js'
import { absentAsNull, guarded, putFile } from '#coordinator/durable-files.js'

const FILE = 'audit-key'

/**
 * The Ed25519 key with which a coordinator signs reports of privacy audits, kept in `<directory>/audit-key` for its owner only
 * (PKCS #8 DER in base64url, as `audit run --key` takes it, too) and made on first use. Throws `store/io`, `store/corrupt`.
 */
export async function loadAuditKey(directory: string): Promise<KeyPair> {
  const known = await readAuditKey(directory)
  if (known !== null) return known
  const made = newKeyPair()
  await guarded(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await putFile(join(directory, FILE), Buffer.from(`${made.privateKey}\n`))
  })
  return made
}

/** Null where none was made yet. Throws `store/io`, `store/corrupt`. */
export async function readAuditKey(directory: string): Promise<KeyPair | null> {
  const path = join(directory, FILE)
  const text = await guarded(path, () => absentAsNull(readFile(path, 'utf8')))
  if (text === null) return null
  const privateKey = text.trim()
  try {
    return { privateKey, publicKey: publicKeyOf(privateKey) }
  } catch (cause) {
    const message = `${path} holds no key; delete it to make a new one (nodes that demand audits must learn it anew)`
    throw new FederationError('store/corrupt', message, { cause })
  }
}
