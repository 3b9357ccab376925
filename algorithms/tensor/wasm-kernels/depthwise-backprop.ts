import {
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  type TensorInfo,
} from '@tensorflow/tfjs-core'
import { geometryOf, type Geometry } from './geometry.js'
import { floats, installKernel, type KernelCall } from './kernel.js'

/** Both gradients of the depthwise convolution, which the backend lacks, as loops over its heap. */
export function installDepthwiseGradients(): void {
  installKernel(DepthwiseConv2dNativeBackpropInput, (call) => {
    const inShape = call.attrs.inputShape as number[]
    const filterShape = call.inputs.filter!.shape
    return inputGradient(
      call,
      geometryOf({ inShape, filterShape, attrs: call.attrs, depthwise: true }),
    )
  })
  installKernel(DepthwiseConv2dNativeBackpropFilter, (call) => {
    const inShape = call.inputs.x!.shape
    const filterShape = call.attrs.filterShape as number[]
    return filterGradient(
      call,
      geometryOf({ inShape, filterShape, attrs: call.attrs, depthwise: true }),
    )
  })
}

/** Calls `visit` with the offsets of every (input pixel, output pixel, tap) that meet. Offsets count pixels and taps. */
function forEachMeeting(
  g: Geometry,
  visit: (input: number, output: number, tap: number) => void,
): void {
  const [outHeight, outWidth] = g.outSize
  for (let place = 0; place < g.batch * outHeight; place++) {
    const image = Math.floor(place / outHeight)
    const top = (place % outHeight) * g.stride[0] - g.padTop
    for (let column = 0; column < outWidth; column++) {
      const left = column * g.stride[1] - g.padLeft
      for (let tap = 0; tap < g.kernelSize[0] * g.kernelSize[1]; tap++) {
        const y = top + Math.floor(tap / g.kernelSize[1])
        const x = left + (tap % g.kernelSize[1])
        if (y < 0 || x < 0 || y >= g.inSize[0] || x >= g.inSize[1]) continue
        visit((image * g.inSize[0] + y) * g.inSize[1] + x, place * outWidth + column, tap)
      }
    }
  }
}

function inputGradient({ inputs, attrs, backend }: KernelCall, g: Geometry): TensorInfo {
  const out = backend.makeOutput(attrs.inputShape as number[], 'float32')
  const dx = floats(backend, out).fill(0)
  const dy = floats(backend, inputs.dy!)
  const kernel = floats(backend, inputs.filter!)
  const multiplier = g.outChannels / g.inChannels
  forEachMeeting(g, (input, output, tap) => {
    let from = output * g.outChannels
    let weight = tap * g.outChannels
    const to = input * g.inChannels
    for (let c = 0; c < g.inChannels; c++) {
      let total = 0
      for (let m = 0; m < multiplier; m++) total += dy[from++]! * kernel[weight++]!
      dx[to + c]! += total
    }
  })
  return out
}

function filterGradient({ inputs, attrs, backend }: KernelCall, g: Geometry): TensorInfo {
  const out = backend.makeOutput(attrs.filterShape as number[], 'float32')
  const result = floats(backend, out)
  const dy = floats(backend, inputs.dy!)
  const x = floats(backend, inputs.x!)
  const multiplier = g.outChannels / g.inChannels
  // Sums over all images and places: in float64, rounded once.
  const total = new Float64Array(result.length)
  forEachMeeting(g, (input, output, tap) => {
    let from = output * g.outChannels
    let to = tap * g.outChannels
    const pixel = input * g.inChannels
    for (let c = 0; c < g.inChannels; c++) {
      const value = x[pixel + c]!
      for (let m = 0; m < multiplier; m++) total[to++]! += value * dy[from++]!
    }
  })
  result.set(total)
  return out
}
