import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { FederationError } from '#protocol/errors.js'
import { isPublicKey, newKeyPair } from '#protocol/proof.js'
import { writeForOwner } from './owner-files.js'

export interface SigningKey {
  /** PKCS #8 DER in base64url. */
  readonly privateKey: string
  /** It was made now. */
  readonly isNew: boolean
}

/**
 * The Ed25519 key in a file: PEM, or as a coordinator keeps its own (`audit-key` in its data directory, PKCS #8 DER in
 * base64url). Throws `usage/bad-value`.
 */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const key = readKey(path, await textOf(path), privateKeyIn)
  const privateKey = key.export({ type: 'pkcs8', format: 'der' }).toString('base64url')
  return { privateKey, isNew: false }
}

/** The key in the file, which is made where there is none: for its owner alone. */
export async function signingKeyAt(path: string): Promise<SigningKey> {
  try {
    await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, cause)
    const { privateKey } = newKeyPair()
    const key = createPrivateKey(derOf(privateKey))
    await writeForOwner(path, key.export({ type: 'pkcs8', format: 'pem' }).toString())
    return { privateKey, isNew: true }
  }
  return readSigningKey(path)
}

/**
 * A public key as people pass it: base64url as reports have it, or a file that holds it so, as PEM, or as the private key that it
 * belongs to. Throws `usage/bad-value`.
 */
export async function readPublicKey(textOrPath: string): Promise<string> {
  if (isPublicKey(textOrPath)) return textOrPath
  const text = await textOf(textOrPath, 'it is no public key, and no such file')
  if (isPublicKey(text.trim())) return text.trim()
  const key = readKey(textOrPath, text, (written) =>
    createPublicKey(isPem(written) ? written : privateKeyIn(written)),
  )
  return key.export({ type: 'spki', format: 'der' }).toString('base64url')
}

const isPem = (text: string): boolean => text.includes('-----BEGIN ')
const privateKeyIn = (text: string): KeyObject =>
  isPem(text) ? createPrivateKey(text) : createPrivateKey(derOf(text.trim()))
const derOf = (privateKey: string) =>
  ({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' }) as const

function readKey(path: string, text: string, read: (text: string) => KeyObject): KeyObject {
  try {
    const key = read(text)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw unreadable(path, cause)
  }
  throw unreadable(path)
}

async function textOf(path: string, absent = 'there is no such file'): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause, absent)
  }
}

function unreadable(path: string, cause?: unknown, absent?: string): FederationError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const why = code === 'ENOENT' ? absent : 'expected an Ed25519 key, as PEM or base64url'
  return new FederationError('usage/bad-value', `Cannot read the key ${path}: ${why}`, { cause })
}
