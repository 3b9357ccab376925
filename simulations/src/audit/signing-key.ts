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

/** The Ed25519 key in a PEM file. Throws `config/unreadable`. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const key = readKey(path, await textOf(path), createPrivateKey)
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
    const key = createPrivateKey({
      key: Buffer.from(privateKey, 'base64url'),
      ...{ format: 'der', type: 'pkcs8' },
    } as const)
    await writeForOwner(path, key.export({ type: 'pkcs8', format: 'pem' }).toString())
    return { privateKey, isNew: true }
  }
  return readSigningKey(path)
}

/** A public key as people pass it: base64url as reports have it, or a PEM file. Throws `config/unreadable`. */
export async function readPublicKey(textOrPath: string): Promise<string> {
  if (isPublicKey(textOrPath)) return textOrPath
  const key = readKey(textOrPath, await textOf(textOrPath), createPublicKey)
  return key.export({ type: 'spki', format: 'der' }).toString('base64url')
}

function readKey(path: string, text: string, read: (pem: string) => KeyObject): KeyObject {
  try {
    const key = read(text)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw unreadable(path, cause)
  }
  throw unreadable(path)
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause?: unknown): FederationError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const why = code === 'ENOENT' ? 'there is no such file' : 'expected an Ed25519 key as PEM'
  return new FederationError('config/unreadable', `Cannot read the key ${path}: ${why}`, { cause })
}
