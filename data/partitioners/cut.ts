/**
 * Cuts `rows` into consecutive pieces in proportion to `weights`: piece i ends at floor(length × (w_0 + … + w_i) / sum),
 * the last at the end.
 */
export function cutInProportion(rows: Int32Array, weights: Float64Array): Int32Array[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const pieces: Int32Array[] = []
  let [start, sum] = [0, 0]
  weights.forEach((weight, i) => {
    sum += weight
    const exact = i === weights.length - 1 ? rows.length : Math.floor((rows.length * sum) / total)
    const end = Math.min(Math.max(exact, start), rows.length)
    pieces.push(rows.subarray(start, end))
    start = end
  })
  return pieces
}

/** Cuts `rows` into consecutive pieces whose sizes differ by at most one: piece i starts at floor(length × i / pieces). */
export function cutEvenly(rows: Int32Array, pieces: number): Int32Array[] {
  const at = (i: number): number => Math.floor((rows.length * i) / pieces)
  return Array.from({ length: pieces }, (_, i) => rows.subarray(at(i), at(i + 1)))
}

export function concat(pieces: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}
