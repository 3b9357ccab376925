import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asFederationError, FederationError } from '#protocol/errors.js'

const PREFIX = '.staging-'

/**
 * Builds a folder aside and puts it in place when `build` succeeded, so a failure leaves what was there as it was. The
 * scratch folder given to `build` is deleted afterwards. File system errors become `backend/missing` (disk, permission).
 */
export async function buildAside(
  directory: string,
  build: (staged: string, scratch: string) => Promise<void>,
): Promise<void> {
  const root = dirname(directory)
  const aside = join(root, `${PREFIX}${process.pid}`)
  const staged = join(aside, basename(directory))
  try {
    mkdirSync(join(aside, 'scratch'), { recursive: true })
    removeAbandoned(root)
    mkdirSync(staged)
    await build(staged, join(aside, 'scratch'))
    if (existsSync(directory)) renameSync(directory, join(aside, 'replaced'))
    renameSync(staged, directory)
  } catch (error) {
    throw explain(error, root)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Folders that an interrupted install left: their process is gone. */
function removeAbandoned(root: string): void {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(PREFIX))) {
    if (!isAlive(Number(name.slice(PREFIX.length))))
      rmSync(join(root, name), { recursive: true, force: true })
  }
}
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function explain(error: unknown, root: string): FederationError {
  const code = (error as NodeJS.ErrnoException).code
  if (error instanceof FederationError || typeof code !== 'string')
    return asFederationError(error, 'backend/broken')
  const message =
    code === 'ENOSPC'
      ? `The disk of ${root} filled up; make room, or choose another place with TRIBUTARY_NATIVE_DIR`
      : `Cannot write to ${root} (${code}); choose another place with TRIBUTARY_NATIVE_DIR`
  return new FederationError('backend/missing', message, { cause: error })
}
