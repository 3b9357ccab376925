/**
 * A linear map from a client's activation to the one that the first architecture has at the same cut, on the last axis (the
 * 1×1 convolution of the fedd2s specification §3.3). Drawn orthonormal from the run's seed, the same for all clients with this
 * architecture: they share features, so they share the map.
 */
import type { Stream } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { shapeText } from '#algorithms/models/blocks/block-maker.js'
import type { Architecture, FedD2SSetup } from './architectures.js'
import { cutAt } from './split.js'

export interface AdapterShape {
  /** Channels of the activation. */
  readonly from: number
  /** Channels that the head takes. */
  readonly to: number
}
interface Where {
  readonly architectures: readonly Architecture[]
  readonly architecture: Architecture
  readonly cut: string
}

/** Null: this architecture needs no adapter at this cut. */
export function adapterShape(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  { architectures, architecture, cut }: Where,
): AdapterShape | null {
  if (hyper.adapter === 'none' || architecture.index === 0) return null
  const [own, taken] = [architecture, architectures[0]!].map((one) => cutAt(one.cuts, cut).shape)
  return { from: own!.at(-1)!, to: taken!.at(-1)! }
}

/** Why adapters cannot map these architectures onto the first: another number of axes, or images of another size. */
export function adapterReasons(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  [first, ...others]: readonly Architecture[],
): readonly string[] {
  if (hyper.adapter === 'none' || first === undefined) return []
  return others.flatMap(({ model, cuts }) =>
    cuts.flatMap(({ name, shape }) => {
      const taken = cutAt(first.cuts, name).shape
      return shapeText(shape.slice(0, -1)) === shapeText(taken.slice(0, -1))
        ? []
        : [
            `method.adapter maps the last axis alone, and at the cut ${name} ${model.name} has ${shapeText(shape)} where ${first.model.name} has ${shapeText(taken)}; choose models whose other axes agree there`,
          ]
    }),
  )
}

/** [from, to] row by row: orthonormal rows, or columns where there are fewer of them. */
export function frozenAdapter(
  { streams }: Pick<FedD2SSetup, 'streams'>,
  where: Where,
  { from, to }: AdapterShape,
): Float32Array {
  const at = where.architecture.cuts.findIndex(({ name }) => name === where.cut)
  const stream = streams('fedd2s-adapter', at, where.architecture.index)
  const [count, length] = [Math.min(from, to), Math.max(from, to)]
  const vectors = orthonormal(stream, count, length)
  const matrix = new Float32Array(from * to)
  vectors.forEach((vector, i) =>
    vector.forEach((value, j) => (matrix[from <= to ? i * to + j : j * to + i] = value)),
  )
  return matrix
}

/** Normal vectors made orthonormal by Gram–Schmidt, each passed twice so that rounding leaves nothing. count ≤ length. */
function orthonormal(stream: Stream, count: number, length: number): readonly Float64Array[] {
  const vectors: Float64Array[] = []
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => stream.normal())
    for (const other of [...vectors, ...vectors]) {
      const along = dot(vector, other)
      other.forEach((value, j) => (vector[j]! -= along * value))
    }
    const norm = Math.sqrt(dot(vector, vector))
    vectors.push(vector.map((value) => value / norm))
  }
  return vectors
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)

/** [batch, …, from] → [batch, …, to]. */
export function adapted(z: Tensor, matrix: Tensor): Tensor {
  const [from, to] = matrix.shape as [number, number]
  const rows = tf.matMul(tf.reshape(z, [-1, from]), matrix)
  return tf.reshape(rows, [...z.shape.slice(0, -1), to])
}
