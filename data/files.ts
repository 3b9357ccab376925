import { open, stat } from 'node:fs/promises'
import { FederationError } from '#protocol/errors.js'

/** The file does not hold what it should: names the file, what was expected and what was found. */
export function corrupt(path: string, expected: string, found: string): FederationError {
  return new FederationError('data/corrupt', `${path}: expected ${expected}, found ${found}`, {
    details: { path, expected, found },
  })
}

export function notFound(path: string, what: string): FederationError {
  return new FederationError('data/not-found', `${path}: expected ${what}, found nothing there`, {
    details: { path },
  })
}

/** Bytes in the file. Throws data/not-found when there is no such file. */
export async function fileSize(path: string, what: string): Promise<number> {
  const info = await stat(path).catch(() => null)
  if (info === null) throw notFound(path, what)
  if (!info.isFile()) throw corrupt(path, what, 'something that is not a file')
  return info.size
}

/** `length` bytes from `start`; the caller has checked against `fileSize` that they are there. */
export async function readRange(path: string, start: number, length: number): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, start + done)
      if (bytesRead === 0)
        throw corrupt(path, `${start + length} bytes`, `an end after ${start + done} bytes`)
      done += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}
