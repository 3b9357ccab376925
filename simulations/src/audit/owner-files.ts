import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FederationError } from '#protocol/errors.js'

/**
 * Writes a file that its owner alone can read, in a folder that is made for its owner alone where there is none. Readers see
 * the old file or the new one. Throws `store/io`.
 */
export async function writeForOwner(path: string, content: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(`${path}.new`, content, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('store/io', `Could not write ${path}: ${why}`, { cause })
  }
}
