import { constants, gunzip, gunzipSync } from 'node:zlib'
import { promisify } from 'node:util'
import { corrupt, fileSize, readRange } from '#data/files.js'

/**
 * The idx format: two zero bytes, a type byte (only 0x08, unsigned bytes, here), the number of dimensions, each dimension
 * as a big-endian 32-bit number, then the values, last dimension fastest.
 */
export interface IdxFile {
  readonly dimensions: readonly number[]
  /** The first min(limit, dimensions[0]) rows. */
  readonly data: Uint8Array
}

interface Header {
  readonly dimensions: readonly number[]
  /** Of the header. */
  readonly bytes: number
  /** Of one row: the product of all dimensions but the first. */
  readonly rowBytes: number
  /** Of the whole file, as the header declares it. May exceed any real file: checked before anything is allocated. */
  readonly totalBytes: number
}

const UNSIGNED_BYTES = 0x08
const MAX_DIMENSIONS = 4
const MAX_HEADER_BYTES = 4 + 4 * MAX_DIMENSIONS
/** DEFLATE cannot expand by more. */
const MAX_EXPANSION = 1032
const inflate = promisify(gunzip)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function parseHeader(path: string, start: Uint8Array): Header {
  const [first, second, type, count = 0] = start
  if (
    start.length < 4 ||
    first !== 0 ||
    second !== 0 ||
    type !== UNSIGNED_BYTES ||
    count < 1 ||
    count > MAX_DIMENSIONS
  ) {
    throw corrupt(
      path,
      `an idx header of unsigned bytes (000008, then 01 to 0${MAX_DIMENSIONS})`,
      start.length < 4 ? `${start.length} bytes` : hex(start.subarray(0, 4)),
    )
  }
  const bytes = 4 + 4 * count
  if (start.length < bytes)
    throw corrupt(path, `an idx header of ${bytes} bytes`, `${start.length} bytes`)
  const view = new DataView(start.buffer, start.byteOffset, bytes)
  const dimensions = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i))
  if (dimensions.includes(0)) throw corrupt(path, 'dimensions above zero', dimensions.join(' × '))
  const rowBytes = dimensions.slice(1).reduce((product, size) => product * size, 1)
  return { dimensions, bytes, rowBytes, totalBytes: bytes + rowBytes * dimensions[0]! }
}

const wantedBytes = (header: Header, limit: number): number =>
  Math.min(limit, header.dimensions[0]!) * header.rowBytes

const declares = (header: Header): string =>
  `${header.totalBytes} bytes (the header declares ${header.dimensions.join(' × ')})`

async function readPlain(path: string, size: number, limit: number): Promise<IdxFile> {
  const header = parseHeader(path, await readRange(path, 0, Math.min(size, MAX_HEADER_BYTES)))
  if (header.totalBytes !== size) throw corrupt(path, declares(header), `${size} bytes`)
  return {
    dimensions: header.dimensions,
    data: await readRange(path, header.bytes, wantedBytes(header, limit)),
  }
}

/** The first bytes of a compressed file. */
function inflateStart(path: string, packed: Uint8Array): Uint8Array {
  try {
    const start = gunzipSync(packed.subarray(0, 1024), { finishFlush: constants.Z_SYNC_FLUSH })
    return start.subarray(0, MAX_HEADER_BYTES)
  } catch (error) {
    throw corrupt(path, 'a gzip file', reasonOf(error))
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

async function readPacked(path: string, size: number, limit: number): Promise<IdxFile> {
  const packed = await readRange(path, 0, size)
  const header = parseHeader(path, inflateStart(path, packed))
  if (header.totalBytes > size * MAX_EXPANSION)
    throw corrupt(path, declares(header), `${size} compressed bytes`)
  const whole = await inflate(packed, { maxOutputLength: header.totalBytes }).catch(
    (error: unknown) => {
      throw corrupt(path, declares(header), reasonOf(error))
    },
  )
  if (whole.length !== header.totalBytes)
    throw corrupt(path, declares(header), `${whole.length} bytes`)
  return {
    dimensions: header.dimensions,
    data: whole.subarray(header.bytes, header.bytes + wantedBytes(header, limit)),
  }
}

/** Reads an idx file of unsigned bytes, plain or gzip (by its name). Throws data/not-found or data/corrupt. */
export async function readIdx(path: string, limit = Infinity): Promise<IdxFile> {
  const size = await fileSize(path, 'an idx file')
  return path.endsWith('.gz') ? readPacked(path, size, limit) : readPlain(path, size, limit)
}
