import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { absentAsNull, guarded, putFile } from '#coordinator/durable-files.js'
import { KEY_BYTES, newKey, seal, SEAL_BYTES, unseal } from './seal.js'

/** Wraps the keys of rounds, and is never anywhere but in its file and in the coordinator's own process. */
export interface MasterKey {
  /** Says which key wrapped something, and nothing about the key. */
  readonly id: string
  wrap(key: Uint8Array, name: string): Buffer
  /** Null: another master key wrapped it, or it belongs to another name, or it has changed. */
  unwrap(wrapped: Uint8Array, name: string): Buffer | null
}

const MAGIC = Buffer.from('TRBKEY1\n')
const ID_BYTES = 8
const WRAPPED_BYTES = MAGIC.length + ID_BYTES + KEY_BYTES + SEAL_BYTES

/** Where the key of a data directory lies unless the operator says otherwise: outside of it, so that copies do not have both. */
export const defaultMasterKeyFile = (vaultId: string): string =>
  join(process.env['TRIBUTARY_HOME'] ?? join(homedir(), '.tributary'), 'keys', vaultId)

/** Throws `usage/bad-value` for a file inside the data directory. */
export function assertOutside(dataDirectory: string, file: string): void {
  const way = relative(resolve(dataDirectory), resolve(file))
  if (way !== '' && (way.startsWith('..') || resolve(way) === way)) return
  throw new FederationError(
    'usage/bad-value',
    `The master key must lie outside the data directory, and ${file} is inside: a copy of the directory would open itself`,
  )
}

/** The key in a file of 64 hexadecimal digits; null where there is no file. Throws `vault/wrong-key` for anything else. */
export async function readMasterKey(path: string): Promise<MasterKey | null> {
  const text = await guarded(path, () => absentAsNull(readFile(path, 'utf8')))
  if (text === null) return null
  const bytes = Buffer.from(text.trim(), 'hex')
  if (bytes.length === KEY_BYTES && bytes.toString('hex') === text.trim()) return masterKey(bytes)
  throw new FederationError(
    'vault/wrong-key',
    `${path} does not hold a master key: ${2 * KEY_BYTES} hexadecimal digits`,
  )
}

/** Makes a key in a file that only its owner can read. */
export async function makeMasterKey(path: string): Promise<MasterKey> {
  const bytes = newKey()
  await guarded(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await putFile(path, Buffer.from(`${bytes.toString('hex')}\n`))
  })
  return masterKey(bytes)
}

/** Which master key wrapped this; null when it is no wrapped key. */
export function wrappedBy(wrapped: Uint8Array): string | null {
  const bytes = Buffer.from(wrapped)
  if (bytes.length !== WRAPPED_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null
  return bytes.subarray(MAGIC.length, MAGIC.length + ID_BYTES).toString('hex')
}

export const newVaultId = (): string => randomBytes(ID_BYTES).toString('hex')

function masterKey(bytes: Buffer): MasterKey {
  const mark = createHmac('sha256', bytes).update('tributary master key id').digest()
  const id = mark.subarray(0, ID_BYTES)
  const label = (name: string): string => `key of ${name}`
  return {
    id: id.toString('hex'),
    wrap: (key, name) => Buffer.concat([MAGIC, id, seal(bytes, key, label(name))]),
    unwrap: (wrapped, name) =>
      wrappedBy(wrapped) === id.toString('hex')
        ? unseal(bytes, wrapped.subarray(MAGIC.length + ID_BYTES), label(name))
        : null,
  }
}
