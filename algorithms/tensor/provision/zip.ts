import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw, inflateRawSync } from 'node:zlib'
import { FederationError } from '#protocol/errors.js'

interface Entry {
  readonly isDeflated: boolean
  readonly packedBytes: number
  readonly headerAt: number
}

/** A Python wheel, which is a zip file with a list of hashes, read without unpacking it whole. */
export interface Wheel {
  readonly names: readonly string[]
  has(name: string): boolean
  /** A small file as text. */
  text(name: string): string
  /** Writes one file and checks it against the wheel's own RECORD; `backend/broken` when they differ. */
  extract(name: string, path: string): Promise<void>
}

const END = Buffer.from('PK\x05\x06', 'latin1')
const CENTRAL_HEADER = 0x02014b50
const TAIL_BYTES = 66_000

/**
 * Opens a wheel. Reads the central directory only (zip32: no wheel that is pinned here reaches 4 GB or 65,536 files).
 * Throws `backend/broken` for a file that is no whole zip.
 */
export function openWheel(file: string): Wheel {
  const entries = readEntries(file)
  const text = (name: string): string => {
    const { isDeflated, packedBytes, headerAt } = entryOf(name)
    const packed = readAt(file, dataAt(file, headerAt), packedBytes)
    return (isDeflated ? inflateRawSync(packed) : packed).toString('utf8')
  }
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name)
    if (entry === undefined) throw new FederationError('backend/broken', `${file} lacks ${name}`)
    return entry
  }
  const names = [...entries.keys()]
  const hashes = parseRecord(
    text(names.find((name) => name.endsWith('.dist-info/RECORD')) ?? 'RECORD'),
  )
  return {
    names,
    has: (name) => entries.has(name),
    text,
    extract: async (name, path) => {
      const sha256 = await unpack(file, entryOf(name), path)
      if (hashes.get(name) === sha256) return
      throw new FederationError(
        'backend/broken',
        `${name} in ${file} is not what the wheel's RECORD says it is`,
      )
    },
  }
}

async function unpack(file: string, entry: Entry, path: string): Promise<string> {
  mkdirSync(dirname(path), { recursive: true })
  const start = dataAt(file, entry.headerAt)
  const packed =
    entry.packedBytes === 0
      ? Readable.from([])
      : createReadStream(file, {
          start,
          end: start + entry.packedBytes - 1,
          highWaterMark: 1 << 20,
        })
  const hash = createHash('sha256')
  const tee = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const inflate = entry.isDeflated ? [createInflateRaw({ chunkSize: 1 << 20 })] : []
  await pipeline([packed, ...inflate, tee, createWriteStream(path)])
  return hash.digest('base64url')
}

function readEntries(file: string): ReadonlyMap<string, Entry> {
  const { at, bytes } = findDirectory(file)
  const directory = readAt(file, at, bytes)
  const entries = new Map<string, Entry>()
  for (let p = 0; p + 46 <= directory.length && directory.readUInt32LE(p) === CENTRAL_HEADER;) {
    const nameBytes = directory.readUInt16LE(p + 28)
    entries.set(directory.toString('utf8', p + 46, p + 46 + nameBytes), {
      isDeflated: directory.readUInt16LE(p + 10) !== 0,
      packedBytes: directory.readUInt32LE(p + 20),
      headerAt: directory.readUInt32LE(p + 42),
    })
    p += 46 + nameBytes + directory.readUInt16LE(p + 30) + directory.readUInt16LE(p + 32)
  }
  return entries
}

function findDirectory(file: string): { readonly at: number; readonly bytes: number } {
  const size = withFile(file, (fd) => fstatSync(fd).size)
  const tail = readAt(file, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES))
  const end = tail.lastIndexOf(END)
  if (end < 0 || end + 22 > tail.length) {
    throw new FederationError('backend/broken', `${file} is no whole zip file`)
  }
  const [bytes, at] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
  if (at + bytes > size) throw new FederationError('backend/broken', `${file} is no whole zip file`)
  return { at, bytes }
}

/** The lengths in a file's local header may differ from those in the directory, so the data's place is read there. */
function dataAt(file: string, headerAt: number): number {
  const header = readAt(file, headerAt, 30)
  return headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
}
function parseRecord(record: string): ReadonlyMap<string, string> {
  const rows = [...record.matchAll(/^"?(.*?)"?,sha256=([\w-]+),/gm)]
  return new Map(rows.map(([, name = '', hash = '']) => [name, hash]))
}
function readAt(file: string, at: number, bytes: number): Buffer {
  return withFile(file, (fd) => {
    const buffer = Buffer.alloc(bytes)
    return buffer.subarray(0, readSync(fd, buffer, 0, bytes, at))
  })
}
function withFile<T>(file: string, use: (fd: number) => T): T {
  const fd = openSync(file, 'r')
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
