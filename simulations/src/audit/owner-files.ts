import { access, constants, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FederationError } from '#protocol/errors.js'

/**
 * Writes a file that its owner alone can read, in a folder that is made for its owner alone where there is none. Readers see
 * the old file or the new one. Throws `audit/unwritable`.
 */
export async function writeForOwner(path: string, content: string): Promise<void> {
  try {
    await makeForOwner(dirname(path))
    await writeFile(`${path}.new`, content, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** A folder for its owner alone, and its owner may write to it. Throws `audit/unwritable`. */
export async function folderForOwner(path: string): Promise<void> {
  try {
    await makeForOwner(path)
    await access(path, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

const makeForOwner = (path: string): Promise<unknown> =>
  mkdir(path, { recursive: true, mode: 0o700 })

const unwritable = (path: string, cause: unknown): FederationError => {
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
  return new FederationError('audit/unwritable', `Could not write ${path}: ${why}`, { cause })
}
