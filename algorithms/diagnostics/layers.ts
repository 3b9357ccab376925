/** What the layers of a model say of a few examples, on the device. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Examples } from '#data/dataset.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { powered } from '#algorithms/models/feature-power.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { centredGram, type Gram } from './cka.js'
import type { LabelledFeatures } from './labelled-features.js'

/** Examples that go through a block at a time: keeps what a transformer's attention needs on the way small. */
const BATCH_SIZE = 128
/** Elements of a piece of a layer that is multiplied at a time. */
const PIECE_ELEMENTS = 2 ** 22

export interface Layer {
  readonly name: string
  /** Its place among the model's blocks. */
  readonly block: number
  /** Activations per example, convolutions flattened. */
  readonly width: number
}

/** The blocks that have params, the head last: poolings and flattenings between them only say again what they are told. */
export const layersOf = ({ blocks }: Model): readonly Layer[] =>
  blocks.flatMap(({ name, params, outputShape }, block): readonly Layer[] =>
    params.length === 0 ? [] : [{ name, block, width: widthOf(outputShape) }],
  )
const widthOf = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1)

/** The examples' inputs in batches. The caller disposes them. */
export const inputsOf = (examples: Examples): Tensor[] =>
  batchesOf(examples.indices).map((positions) => {
    const { x, y } = batchOf(examples, positions)
    y.dispose()
    return x
  })

const batchesOf = (indices: Int32Array): readonly Int32Array[] =>
  Array.from({ length: Math.ceil(indices.length / BATCH_SIZE) }, (_, i) =>
    indices.subarray(i * BATCH_SIZE, (i + 1) * BATCH_SIZE).map((_row, at) => i * BATCH_SIZE + at),
  )

interface Pass {
  readonly model: Model
  readonly params: Float32Array
  /** From `inputsOf`. */
  readonly inputs: readonly Tensor[]
}

/** The Gram matrices of some layers, ascending, of one model: [layer]. Holds one layer's activations at a time. */
export async function gramsOf(
  { model, params, inputs }: Pass,
  layers: readonly Layer[],
): Promise<readonly Gram[]> {
  const tensors = toTensors(model, params)
  const grams: Gram[] = []
  let [from, held] = [0, inputs]
  try {
    for (const { block, width } of layers) {
      const before = held
      held = before.map((h) => tf.tidy(() => model.forward(tensors, h, { from, to: block + 1 })))
      if (before !== inputs) tf.dispose([...before])
      from = block + 1
      grams.push(await gramOfBatches(held, width))
    }
    return grams
  } finally {
    tf.dispose(tensors)
    if (held !== inputs) tf.dispose([...held])
  }
}

/**
 * Products of centred activations in float32 on the device, piece by piece; summed and centred again in float64, which takes
 * away what the rounding of means left. Kept as float32, because they are no more exact than that.
 */
async function gramOfBatches(batches: readonly Tensor[], width: number): Promise<Gram> {
  const examples = batches.reduce((sum, { shape }) => sum + shape[0], 0)
  const gram = new Float64Array(examples * examples)
  const columns = Math.max(1, Math.floor(PIECE_ELEMENTS / examples))
  let squaredLengths = 0
  for (let from = 0; from < width; from += columns) {
    const size = Math.min(columns, width - from)
    const [products, squares] = tf.tidy((): [Tensor, Tensor] => {
      const pieces = batches.map((batch) =>
        tf.slice(tf.reshape(batch, [-1, width]), [0, from], [-1, size]),
      )
      const x = tf.concat(pieces, 0)
      const offsets = tf.sub(x, tf.mean(x, 0, true))
      return [tf.matMul(offsets, offsets, false, true), tf.sum(tf.square(x))]
    })
    const [product, square] = await Promise.all([products.data(), squares.data()])
    tf.dispose([products, squares])
    for (let at = 0; at < gram.length; at++) gram[at]! += product[at]!
    squaredLengths += square[0]!
    await nextTurn()
  }
  const { below, ...rest } = centredGram(gram, squaredLengths)
  return { ...rest, below: Float32Array.from(below) }
}

/** What enters the head; `power`: of a model that has one before its head (models/feature-power.ts). */
export async function featuresOf(
  { model, params, inputs, power }: Pass & { readonly power: number | null },
  examples: Examples,
): Promise<LabelledFeatures> {
  const { width } = extractorOf(model)
  const { indices, source } = examples
  const values = new Float32Array(indices.length * width)
  const tensors = toTensors(model, params)
  try {
    let at = 0
    for (const x of inputs) {
      const features = tf.tidy(() => {
        const plain = model.forward(tensors, x, { to: model.blocks.length - 1 })
        return power === null ? plain : powered(plain, power)
      })
      const batch = await features.data()
      features.dispose()
      values.set(batch, at)
      at += batch.length
    }
  } finally {
    tf.dispose(tensors)
  }
  return { values, labels: indices.map((row) => source.labels[row]!) }
}
