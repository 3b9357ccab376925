import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'

/** Files that were read to their end and hashed to their names; the key holds what a changed file does not keep. */
const sound = new Map<Hash, string>()
/** Forgetting one only means to read it once more. */
const MOST_KNOWN = 10_000

/**
 * Opens a file that must hold the bytes its name says, to be read and closed by the caller. What was changed on disk is never
 * served, and a link that was planted is not followed (reliability specification §2, T16 and T24). Null: there is none. Throws
 * `store/corrupt`, which names the file.
 */
export async function openSound(path: string, hash: Hash): Promise<FileHandle | null> {
  const file = await openItself(path)
  if (file === null) return null
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw corrupt(path)
    const key = identityOf(stats)
    if (sound.get(hash) !== key) {
      if ((await hashOf(file)) !== hash) throw corrupt(path)
      if (sound.size >= MOST_KNOWN) sound.clear()
      sound.set(hash, key)
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openItself(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (code === 'ELOOP') throw corrupt(path)
    throw new FederationError('store/io', `Could not read ${path}`, { cause })
  }
}

const identityOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string =>
  [dev, ino, size, mtimeMs, ctimeMs].join(' ')

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

const corrupt = (path: string): FederationError =>
  new FederationError('store/corrupt', `The file ${path} does not hold the bytes its name says`, {
    details: { path },
  })
