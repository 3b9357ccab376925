/** Looks for secrets in the files of a directory: as they are, and as text that people and programs write bytes as. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** What is looked for; short enough that a file which was cut or padded does not hide it. */
const PIECE_BYTES = 24

/** Pieces from the beginning, the middle, the end and every `every` bytes in between. */
export function piecesOf(bytes: Uint8Array, every = 65_536): readonly Buffer[] {
  const last = bytes.byteLength - PIECE_BYTES
  const starts = [0, Math.floor(last / 2), last]
  for (let start = every; start < last; start += every) starts.push(start)
  return starts.map((start) => Buffer.from(bytes.subarray(start, start + PIECE_BYTES)))
}

function spellings(piece: Buffer): readonly Buffer[] {
  // In base64 the same bytes look differently at each of three places.
  const base64 = [0, 1, 2].flatMap((skipped) => {
    const text = piece.subarray(skipped, skipped + 21).toString('base64')
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const hex = piece.toString('hex')
  return [piece, ...[hex, hex.toUpperCase(), ...base64].map((text) => Buffer.from(text))]
}

/** Names of files, relative to the directory, that hold one of the pieces in any spelling. */
export async function filesWith(
  directory: string,
  pieces: readonly Uint8Array[],
): Promise<readonly string[]> {
  const needles = pieces.flatMap((piece) => spellings(Buffer.from(piece)))
  const found: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path)
    if (needles.some((needle) => content.includes(needle))) found.push(relative(directory, path))
  }
  return found.sort()
}
