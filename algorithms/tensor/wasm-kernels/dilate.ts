import type { TensorInfo } from '@tensorflow/tfjs-core'
import { floats, type WasmBackend } from './kernel.js'

/** [b, h, w, c] with stride − 1 zero rows and columns between its own: [b, (h−1)·stride+1, (w−1)·stride+1, c]. */
export function dilate(
  backend: WasmBackend,
  x: TensorInfo,
  [rowStride, columnStride]: readonly [number, number],
): TensorInfo {
  const [batch, height, width, channels] = x.shape as [number, number, number, number]
  const outHeight = (height - 1) * rowStride + 1
  const outWidth = (width - 1) * columnStride + 1
  const out = backend.makeOutput([batch, outHeight, outWidth, channels], 'float32')
  const source = floats(backend, x)
  const target = floats(backend, out).fill(0)
  let from = 0
  for (let row = 0; row < batch * height; row++) {
    const image = Math.floor(row / height)
    let to = (image * outHeight + (row % height) * rowStride) * outWidth * channels
    for (let column = 0; column < width; column++, to += columnStride * channels) {
      for (let c = 0; c < channels; c++) target[to + c] = source[from++]!
    }
  }
  return out
}
