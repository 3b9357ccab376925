import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import { FederationError } from '#protocol/errors.js'

const BLOCK = 512
const REGULAR_FILE = new Set(['0', '\0'])

/** One regular file of a tar archive; `name` as stored, without its first folder. */
interface TarEntry {
  readonly name: string
  readonly executable: boolean
  readonly content: Buffer
}

/**
 * The regular files of an uncompressed tar archive (ustar names; long names in pax headers). npm writes no others.
 * Throws `backend/broken` when a size points past the end.
 */
export function* readTar(archive: Buffer): Generator<TarEntry> {
  let longName: string | undefined
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const header = archive.subarray(at, at + BLOCK)
    const size = Number.parseInt(text(header, 124, 12), 8)
    const end = at + BLOCK + size
    if (!(end <= archive.length)) {
      throw new FederationError('backend/broken', 'The archive ends in the middle of a file')
    }
    const content = archive.subarray(at + BLOCK, end)
    const type = text(header, 156, 1) || '\0'
    if (REGULAR_FILE.has(type)) {
      const path =
        longName ?? [text(header, 345, 155), text(header, 0, 100)].filter(Boolean).join('/')
      const executable = (Number.parseInt(text(header, 100, 8), 8) & 0o100) !== 0
      yield { name: path.slice(path.indexOf('/') + 1), executable, content }
    }
    longName = type === 'x' ? /\d+ path=([^\n]+)\n/.exec(content.toString('utf8'))?.[1] : undefined
    at = end + ((BLOCK - (size % BLOCK)) % BLOCK)
  }
}
const text = (header: Buffer, at: number, length: number): string =>
  header.toString('latin1', at, at + length).replace(/\0.*$/s, '')

/** Writes the entries that `wanted` accepts below `directory`; a name that leads outside is an error. */
export function unpackTar(
  archive: Buffer,
  directory: string,
  wanted: (name: string) => boolean = () => true,
): void {
  for (const { name, executable, content } of readTar(archive)) {
    if (!wanted(name)) continue
    const path = inside(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    if (executable) chmodSync(path, 0o755)
  }
}

/** `directory/name`, refused when `name` climbs out. */
export function inside(directory: string, name: string): string {
  const path = resolve(directory, name)
  if (path.startsWith(resolve(directory) + sep)) return path
  throw new FederationError(
    'backend/broken',
    `The archive holds a file outside its folder: ${name}`,
  )
}
