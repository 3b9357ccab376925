/** A copy of the named rows of `size` values each. */
export function pickFloats(values: Float32Array, size: number, indices: Int32Array): Float32Array {
  const out = new Float32Array(indices.length * size)
  indices.forEach((row, at) => out.set(values.subarray(row * size, (row + 1) * size), at * size))
  return out
}
