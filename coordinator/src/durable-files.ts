import { open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomBytes } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'

/** A step at which a disk can fail. */
export type DiskStep = 'write' | 'sync'

let hook: ((step: DiskStep, path: string) => void) | null = null
/** For tests: called before every step, and makes it fail by throwing. null: nothing. */
export function setDiskHook(next: ((step: DiskStep, path: string) => void) | null): void {
  hook = next
}

/**
 * After a failed fsync nobody can say what is on disk, and a second one may succeed without having written anything
 * (reliability specification §3): the process must end, and begin again from what is there.
 */
const endProcess = (error: FederationError): void => {
  setImmediate(() => {
    throw error
  })
}
let onSyncFailure = endProcess
/** What happens after a failed fsync, besides its rejection; null: what normally happens, the process ends. */
export function setSyncFailureHandler(next: ((error: FederationError) => void) | null): void {
  onSyncFailure = next ?? endProcess
}
/** As if an fsync of this process had failed: for one that another process reports. */
export const syncHasFailed = (error: FederationError): void => onSyncFailure(error)

/** Writes all bytes at `position`; default: where the handle stands. */
export async function writeAll(
  file: FileHandle,
  bytes: Uint8Array,
  { path, position = null }: { readonly path: string; readonly position?: number | null },
): Promise<void> {
  hook?.('write', path)
  let done = 0
  while (done < bytes.byteLength) {
    const at = position === null ? null : position + done
    done += (await file.write(bytes, done, bytes.byteLength - done, at)).bytesWritten
  }
}

/** Rejects with `store/io`, and ends the process, when the disk does not take it. `before`: what could go wrong at that time. */
export async function syncFile(
  file: FileHandle,
  path: string,
  before: () => void = () => undefined,
): Promise<void> {
  try {
    hook?.('sync', path)
    before()
    await file.sync()
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const message = `Could not make ${path} durable: ${reason}`
    const error = new FederationError('store/io', message, { details: { path }, cause })
    syncHasFailed(error)
    throw error
  }
}

/** Makes names in a folder durable: what was made, renamed or removed. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await syncFile(folder, path)
  } finally {
    await folder.close()
  }
}

/** Writes a file that must not be there yet; durable when it resolves, though its name is only after a sync of the folder. */
export async function writeNewFile(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await writeAll(file, bytes, { path })
    await syncFile(file, path)
  } finally {
    await file.close()
  }
}

/** Puts a file in place, whole or not at all; durable when it resolves. */
export async function putFile(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await writeNewFile(temporary, bytes, mode)
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

export async function absentAsNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The operating system's errors become `store/io` with the path they concern; a mistake of the program stays one. */
export async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof FederationError || code === undefined) throw cause
    throw new FederationError('store/io', `Could not read or write ${path}: ${code}`, { cause })
  }
}
