/** Bundles that runs start from, kept for this user by their own hash: `<cache>/bundles/<sha256>.bundle`. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { cacheDirectory } from './cache-directory.js'

export const bundlePath = (hash: Hash): string =>
  join(cacheDirectory(), 'bundles', `${hash}.bundle`)

/** Keeps the bytes, unless they are there already. Throws `store/io`. */
export async function keepBundle(bytes: Uint8Array): Promise<Hash> {
  const hash = sha256(bytes)
  if ((await findBundle(hash)) === null) await writeCached(bundlePath(hash), bytes)
  return hash
}

/** Null if there is none, or if the file no longer holds the bytes its name says: then it is as good as lost. */
export async function findBundle(hash: Hash): Promise<Uint8Array | null> {
  const bytes = await readCached(bundlePath(hash))
  return bytes !== null && sha256(bytes) === hash ? bytes : null
}

/** Null if there is no such file. Throws `store/io`. */
export async function readCached(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw failed('read', path, cause)
  }
}

/** Readers see the old file, the new one or none, also when several processes write at once. Throws `store/io`. */
export async function writeCached(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(draft, content)
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    throw failed('write', path, cause)
  }
}

const failed = (what: string, path: string, cause: unknown): FederationError => {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
  const message = `Could not ${what} ${path}: ${reason}. The cache is in $XDG_CACHE_HOME`
  return new FederationError('store/io', message, { cause })
}
