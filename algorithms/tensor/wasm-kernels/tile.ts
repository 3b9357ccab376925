import { Tile, type TensorInfo } from '@tensorflow/tfjs-core'
import { installKernel, sizeOf, type KernelCall } from './kernel.js'

/**
 * Repeats an array along each axis. The backend's own kernel finds the place of every element by itself, which made it a
 * quarter of a transformer's step: the gradient of each mean is a repetition.
 */
export function installTile(): void {
  installKernel(Tile, ({ inputs, attrs, backend }: KernelCall) => {
    const x = inputs.x as TensorInfo
    const repeats = attrs.reps as readonly number[]
    const shape = x.shape.map((size, axis) => size * repeats[axis]!)
    const y = backend.makeOutput(shape, x.dtype)
    const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(y)]
    /** What one index of an axis spans, in x and, before that axis is repeated, in y. */
    const spans = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)))
    const spansOfY = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))

    const copy = (axis: number, first: number, place: number): void => {
      const size = x.shape[axis]!
      const span = spansOfY[axis]!
      const [once, all] = [size * span, shape[axis]! * span]
      if (axis < shape.length - 1) {
        for (let i = 0; i < size; i++) copy(axis + 1, first + i * spans[axis]!, place + i * span)
      } else if (size === 1) {
        to.fill(from[first]!, place, place + all)
        return
      } else to.set(from.subarray(first, first + size), place)
      for (let done = once; done < all; done += once) {
        to.copyWithin(place + done, place, place + once)
      }
    }
    if (shape.length === 0) to[0] = from[0]!
    else if (to.length > 0) copy(0, 0, 0)
    return y
  })
}
