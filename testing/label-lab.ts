/** Pictures, small models and their gradients, for tests of label inference and of metrics. */
import { createStreams, type Stream } from '#protocol/random.js'
import type { Dataset, Examples } from '#data/dataset.js'
import { everyIndex } from '#data/dataset.js'
import { mlp } from '#algorithms/models/mlp.js'
import type { Activation, HeadKind, Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'

export const LAB_CLASSES = Array.from({ length: 10 }, (_, i) => `class ${i}`)
export const LAB_SHAPE = [16, 16, 1] as const

/** Each class is a field of soft blobs; each record a shifted, noisy copy of it. */
export function blobPictures(
  count: number,
  seed: number,
  shape: readonly number[] = LAB_SHAPE,
): Dataset {
  const [height = 1, width = 1, channels = 1] = shape
  const size = height * width * channels
  const blobs = LAB_CLASSES.map((_, label) => {
    const stream = createStreams(1)('lab/class', label, 0)
    return Array.from({ length: 4 }, () => [stream.uniform(), stream.uniform()] as const)
  })
  const stream = createStreams(seed)('lab/records', 0, 0)
  const labels = Int32Array.from({ length: count }, () => stream.integer(LAB_CLASSES.length))
  const features = new Float32Array(count * size)
  labels.forEach((label, row) => {
    const [dx, dy] = [0.1 * stream.normal(), 0.1 * stream.normal()]
    for (let i = 0; i < size; i++) {
      const place = Math.floor(i / channels)
      const [x, y] = [(place % width) / width, Math.floor(place / width) / height]
      const near = Math.min(
        ...blobs[label]!.map(([bx, by]) => Math.hypot(x - bx - dx, y - by - dy)),
      )
      const value = Math.max(0, 1 - near / 0.2) + 0.05 * stream.normal()
      features[row * size + i] = Math.min(1, Math.max(0, value))
    }
  })
  return { name: 'blobs', inputShape: shape, classes: LAB_CLASSES, count, features, labels }
}

interface LabOptions {
  readonly hidden?: number
  readonly activation?: Activation
  readonly head?: HeadKind
}

export const labModel = ({
  hidden = 24,
  activation = 'softplus',
  head = 'linear',
}: LabOptions = {}): Model =>
  mlp.build(
    { inputShape: [...LAB_SHAPE], classes: LAB_CLASSES },
    { hidden: [hidden], activation, head },
  )

/** Params drawn anew, biases too. The caller disposes them. */
export function labParams(model: Model, seed: number): Tensor[] {
  const stream = createStreams(seed)('lab/params', 0, 0)
  const flat = model.init(stream).map((value) => (value === 0 ? 0.1 * stream.normal() : value))
  return toTensors(model, flat)
}

/** Rows of the data set with these labels, drawn with repetition. */
export function rowsWith(dataset: Dataset, labels: readonly number[], stream: Stream): Examples {
  const indices = labels.map((label) => {
    const own = everyIndex(dataset.count).filter((row) => dataset.labels[row] === label)
    return own[stream.integer(own.length)]!
  })
  return { source: dataset, indices: Int32Array.from(indices) }
}

/** Gradient of the batch's mean cross-entropy, in the model's order, and the batch's mean softmax. */
export function labGradient(model: Model, params: readonly Tensor[], examples: Examples) {
  const values: { gradient: Float32Array[]; meanSoftmax: Float32Array }[] = []
  tf.tidy(() => {
    const { x, y } = batchOf(examples, everyIndex(examples.indices.length))
    const loss = (...own: Tensor[]) => crossEntropy(model.forward(own, x), y)
    const softmax = tf.mean(tf.softmax(model.forward(params, x)), 0)
    values.push({
      gradient: tf
        .grads(loss)([...params])
        .map((g) => Float32Array.from(g.dataSync())),
      meanSoftmax: Float32Array.from(softmax.dataSync()),
    })
  })
  return values[0]!
}

export const labelsAscending = ({ source, indices }: Examples): Int32Array =>
  indices.map((row) => source.labels[row]!).sort()
