/** Bytes to [0, 1]: value / 255. */
const SCALED = Float32Array.from({ length: 256 }, (_, value) => value / 255)

/** Rows of `size` bytes each, picked and scaled to [0, 1]. */
export function pickPixels(bytes: Uint8Array, size: number, indices: Int32Array): Float32Array {
  const out = new Float32Array(indices.length * size)
  let to = 0
  for (const row of indices) {
    const end = (row + 1) * size
    for (let from = row * size; from < end; from++) out[to++] = SCALED[bytes[from]!]!
  }
  return out
}

/** As `pickPixels`, from rows that hold one plane after the other, to [height, width, channels] order. */
export function pickPlanes(
  bytes: Uint8Array,
  planes: {
    readonly size: number
    readonly channels: number
    readonly stride: number
    readonly offset: number
  },
  indices: Int32Array,
): Float32Array {
  const { size, channels, stride, offset } = planes
  const out = new Float32Array(indices.length * size * channels)
  let to = 0
  for (const row of indices) {
    const start = row * stride + offset
    for (let pixel = 0; pixel < size; pixel++) {
      for (let channel = 0; channel < channels; channel++) {
        out[to++] = SCALED[bytes[start + channel * size + pixel]!]!
      }
    }
  }
  return out
}
