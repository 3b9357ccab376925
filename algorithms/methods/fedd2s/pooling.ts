/** Images averaged over squares before they go up, and the undoing of it on the server (fedd2s specification §5.2). */
import { product } from '#algorithms/models/blocks/block-maker.js'
import { pooledShape } from './wire.js'

export interface Pooling {
  /** One activation averaged over squares; the same array where there is nothing to pool. */
  readonly pooled: (values: Float32Array) => Float32Array
  /** Every mean again in each place of its square. */
  readonly unpooled: (values: Float32Array) => Float32Array
}
const AS_IT_IS: Pooling = { pooled: (values) => values, unpooled: (values) => values }

/** For activations of this shape. Only images [H, W, C] are pooled. */
export function poolingOf(shape: readonly number[], side: number): Pooling {
  if (shape.length !== 3 || side === 1) return AS_IT_IS
  const cells = cellsOf(shape, side)
  const counts = new Float64Array(product(pooledShape(shape, side)))
  for (const cell of cells) counts[cell]! += 1
  return {
    pooled(values) {
      const sums = new Float64Array(counts.length)
      for (let i = 0; i < cells.length; i++) sums[cells[i]!]! += values[i]!
      return Float32Array.from(sums, (sum, cell) => sum / counts[cell]!)
    },
    unpooled: (values) => Float32Array.from(cells, (cell) => values[cell]!),
  }
}

/** The element of the pooled image that each element of an image belongs to. */
function cellsOf(shape: readonly number[], side: number): Int32Array {
  const [, width = 0, channels = 0] = shape
  const [, across = 0] = pooledShape(shape, side)
  return Int32Array.from({ length: product(shape) }, (_, i) => {
    const place = Math.floor(i / channels)
    const [row, column] = [Math.floor(place / width), place % width]
    const cell = Math.floor(row / side) * across + Math.floor(column / side)
    return cell * channels + (i % channels)
  })
}
