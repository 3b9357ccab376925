/**
 * A distance in features: LPIPS in spirit (R. Zhang et al., CVPR 2018, https://arxiv.org/abs/1801.03924), but of a small network
 * trained on public data here, so its values compare with nothing else. Gifd specification §13.3.
 */
import { rowSize, type Examples } from '#data/dataset.js'
import { chain } from '#algorithms/models/blocks/block-maker.js'
import { conv } from '#algorithms/models/blocks/conv.js'
import { head } from '#algorithms/models/blocks/dense.js'
import { flatten } from '#algorithms/models/blocks/flatten.js'
import { pool } from '#algorithms/models/blocks/pooling.js'
import { buildModel } from '#algorithms/models/build-model.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import type { Streams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { plainAdam } from '#algorithms/training/client-optimizer.js'
import { trainLocally } from '#algorithms/training/train.js'
import { evenly } from './evenly.js'
import type { PictureShape } from './pictures.js'

export interface AuxiliaryNetwork {
  /** A vector for each picture of [n, ...shape]; squared distances between them are the auxiliary distance. */
  embed(pictures: Float32Array): Promise<readonly Float32Array[]>
  dispose(): void
}

/** Two pooling layers halve the sides twice. */
const LEAST_SIDE = 4
/** Enough for its features; more would keep every worker of an audit waiting. */
const MOST_EXAMPLES = 1000
const EPOCHS = 4
/** Blocks after which features are compared. */
const TAPS = [1, 3]
const BATCH = 64

/** The classifier whose features are compared; null for what is not a picture, or too small for it. */
export function auxiliaryModel(shape: PictureShape, classes: number): Model | null {
  if (shape.length !== 3 || Math.min(shape[0]!, shape[1]!) < LEAST_SIDE) return null
  const layer = { kernelSize: 3, padding: 'same', activation: 'relu' } as const
  const blocks = chain(shape, [
    conv('conv1', { ...layer, channels: 8 }),
    pool('pool1', 'average'),
    conv('conv2', { ...layer, channels: 16 }),
    pool('pool2', 'average'),
    flatten(),
    head(classes),
  ])
  return buildModel({ name: 'auxiliary', inputShape: shape, classes, blocks })
}

/** Trains it on public records, a thousand at most: the flat params, equal for equal streams. */
export async function trainAuxiliary(
  model: Model,
  examples: Examples,
  streams: Streams,
): Promise<Float32Array> {
  const { params } = await trainLocally({
    model,
    examples: evenly(examples, MOST_EXAMPLES),
    streams,
    start: model.init(streams('audit/auxiliary', 0, 0)),
    training: { localEpochs: EPOCHS, batchSize: 32, optimizer: plainAdam(3e-3) },
    ...{ round: 1, rounds: 1, slot: 0 },
  })
  return params
}

/** The network with trained params. Holds them on the device until `dispose`. */
export function auxiliaryNetwork(model: Model, params: Float32Array): AuxiliaryNetwork {
  const tensors = toTensors(model, params)
  const size = rowSize(model.inputShape)
  return {
    embed: async (pictures) => {
      const vectors: Float32Array[] = []
      for (let first = 0; first < pictures.length; first += BATCH * size) {
        const some = pictures.subarray(first, first + BATCH * size)
        vectors.push(...(await embedded(model, tensors, some)))
      }
      return vectors
    },
    dispose: () => void tf.dispose(tensors),
  }
}

async function embedded(model: Model, params: readonly Tensor[], pictures: Float32Array) {
  const count = pictures.length / rowSize(model.inputShape)
  const joined = tf.tidy(() => {
    let from = 0
    const shape = [count, ...model.inputShape]
    let h: Tensor = tf.clipByValue(tf.tensor(pictures, shape), 0, 1)
    const parts = TAPS.map((to) => {
      h = model.forward(params, h, { from, to })
      from = to
      return directions(h)
    })
    return tf.concat(parts, 1)
  })
  try {
    const values = (await joined.data()) as Float32Array
    const width = joined.size / count
    return Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width))
  } finally {
    joined.dispose()
  }
}

/** [batch, height, width, channels], channels scaled to length 1, so that squared distances are means over positions. */
function directions(h: Tensor): Tensor {
  const [batch = 0, height = 1, width = 1] = h.shape
  const length = tf.sqrt(tf.add(tf.sum(tf.square(h), -1, true), 1e-10))
  return tf.reshape(tf.div(h, tf.mul(length, Math.sqrt(height * width))), [batch, -1])
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}
