import { UnsortedSegmentSum, type TensorInfo } from '@tensorflow/tfjs-core'
import { floats, installKernel, sizeOf, type KernelCall } from './kernel.js'

/** out[s] = sum of the rows of x whose segment id is s; rows with an id outside 0 … numSegments − 1 are dropped. Gradient of `gather`. */
export function installSegmentSum(): void {
  installKernel(UnsortedSegmentSum, ({ inputs, attrs, backend }: KernelCall): TensorInfo => {
    const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo }
    const segments = attrs.numSegments as number
    const rest = x.shape.slice(1)
    const width = sizeOf(rest)
    const out = backend.makeOutput([segments, ...rest], x.dtype)
    const sums = floats(backend, out).fill(0)
    const rows = floats(backend, x)
    const ids = backend.typedArrayFromHeap(segmentIds)
    for (let row = 0; row < ids.length; row++) {
      const segment = ids[row]!
      if (segment < 0 || segment >= segments) continue
      for (let i = 0; i < width; i++) sums[segment * width + i]! += rows[row * width + i]!
    }
    return out
  })
}
