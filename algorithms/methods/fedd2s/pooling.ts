/** Images averaged over squares before they go up, and the undoing of it on the server (fedd2s specification §5.2). */
import { pooledShape } from './wire.js'

/** Element of `values` [H, W, C] ↔ element of its pooled image, for every element in order. */
function* places(shape: readonly number[], side: number): Generator<number> {
  const [height = 0, width = 0, channels = 0] = shape
  const [, across = 0] = pooledShape(shape, side)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const cell = Math.floor(row / side) * across + Math.floor(column / side)
      for (let channel = 0; channel < channels; channel++) yield cell * channels + channel
    }
  }
}

const isPooled = (shape: readonly number[], side: number): boolean => shape.length === 3 && side > 1

/** One activation of this shape, averaged over squares; the same array where there is nothing to pool. */
export function pooled(values: Float32Array, shape: readonly number[], side: number): Float32Array {
  if (!isPooled(shape, side)) return values
  const size = pooledShape(shape, side).reduce((all, one) => all * one, 1)
  const [sums, counts] = [new Float64Array(size), new Uint16Array(size)]
  let at = 0
  for (const place of places(shape, side)) {
    sums[place]! += values[at++]!
    counts[place]! += 1
  }
  return Float32Array.from(sums, (sum, place) => sum / counts[place]!)
}

/** Every mean again in each place of its square. `values` of the pooled shape, the result of `shape`. */
export function unpooled(
  values: Float32Array,
  shape: readonly number[],
  side: number,
): Float32Array {
  if (!isPooled(shape, side)) return values
  return Float32Array.from(places(shape, side), (place) => values[place]!)
}
