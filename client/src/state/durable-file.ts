import { appendFile, mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FederationError } from '#protocol/errors.js'

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

/** What the disk refuses is `store/io`, without paths: the message may be sent to the coordinator. */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    const message = `The state directory cannot be ${what} (${codeOf(cause)})`
    throw new FederationError('store/io', message, { cause })
  }
}

async function syncDirectory(path: string): Promise<void> {
  await withFile(path, 'r', (handle) => handle.sync())
}
async function withFile<T>(
  path: string,
  flags: string,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, flags, 0o600)
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

/** After this resolves the file holds `bytes` even if the machine stops; before, it holds what it held. */
export const writeDurably = (path: string, bytes: Uint8Array | string): Promise<void> =>
  onDisk('written', async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const temporary = `${path}.new`
    await withFile(temporary, 'w', async (handle) => {
      await handle.writeFile(bytes)
      await handle.sync()
    })
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  })

/**
 * Adds one line. A line that a kill cut short gets its end first, so that it spoils itself alone.
 * After this resolves the line is there even if the machine stops.
 */
export const appendLineDurably = (path: string, line: string): Promise<void> =>
  onDisk('written', async () => {
    const isWhole = await endsWithNewline(path)
    await appendFile(path, `${isWhole ? '' : '\n'}${line}\n`, { mode: 0o600, flush: true })
    await syncDirectory(dirname(path))
  })

async function endsWithNewline(path: string): Promise<boolean> {
  return withFile(path, 'a+', async (handle) => {
    const { size } = await handle.stat()
    if (size === 0) return true
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer[0] === '\n'.charCodeAt(0)
  })
}

export const readIfThere = (path: string): Promise<Uint8Array | null> =>
  onDisk('read', () => unlessMissing(readFile(path), null))

export const removeDurably = (path: string): Promise<void> =>
  onDisk('written', async () => {
    await rm(path, { force: true, recursive: true })
    await unlessMissing(syncDirectory(dirname(path)), undefined)
  })

/** `instead` of what is not there. */
export async function unlessMissing<T, Instead>(
  work: Promise<T>,
  instead: Instead,
): Promise<T | Instead> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return instead
    throw error
  }
}
