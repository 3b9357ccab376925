/** Whole numbers of few bits, and places of what is not zero, as bytes. */
import { FederationError } from '#protocol/errors.js'

/** Numbers in [0, 2^bits), each `bits` long, one after another from the lowest bit of the first byte. */
export function packBits(values: ArrayLike<number>, bits: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil((values.length * bits) / 8))
  for (let i = 0, at = 0; i < values.length; i++, at += bits) {
    // At most 7 bits before it in its first byte: 23 bits reach over three bytes.
    const shifted = values[i]! << (at & 7)
    const first = at >> 3
    for (let byte = 0; byte < 3 && first + byte < packed.length; byte++)
      packed[first + byte]! |= (shifted >> (8 * byte)) & 0xff
  }
  return packed
}

export function unpackBits(
  packed: Uint8Array,
  { bits, count }: { readonly bits: number; readonly count: number },
): Float32Array {
  const mask = 2 ** bits - 1
  const values = new Float32Array(count)
  for (let i = 0, at = 0; i < count; i++, at += bits) {
    const first = at >> 3
    const window =
      packed[first]! | ((packed[first + 1] ?? 0) << 8) | ((packed[first + 2] ?? 0) << 16)
    values[i] = (window >> (at & 7)) & mask
  }
  return values
}

const MORE = 0x80
const LOW = 0x7f
/** No group is so large that a gap in it has more digits. */
const LARGEST_SCALE = 2 ** 49

/** Before each number that is not zero: how many zeros precede it since the last, as LEB128. */
export function packGaps(values: Float32Array): Uint8Array {
  const bytes: number[] = []
  let gap = 0
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) {
      gap += 1
      continue
    }
    for (; gap > LOW; gap >>>= 7) bytes.push((gap & LOW) | MORE)
    bytes.push(gap)
    gap = 0
  }
  return Uint8Array.from(bytes)
}

/** The places, ascending and below `total`. Throws `update/malformed` for others, and for a gap without its end. */
export function unpackGaps(bytes: Uint8Array, total: number): Int32Array {
  const places: number[] = []
  let [at, gap, scale] = [-1, 0, 1]
  for (const byte of bytes) {
    gap += (byte & LOW) * scale
    scale *= 2 ** 7
    if (gap > total || scale > LARGEST_SCALE) break
    if ((byte & MORE) !== 0) continue
    at += gap + 1
    if (at >= total) break
    places.push(at)
    gap = 0
    scale = 1
  }
  if (scale === 1 && at < total) return Int32Array.from(places)
  throw new FederationError(
    'update/malformed',
    `Places of a packed group: expected ascending ones below ${total}`,
  )
}
