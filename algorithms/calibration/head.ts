/** Training the head of a model alone, on features instead of inputs (ccvr specification §5.2, §4.1). */
import { makeBundle, tensorsOf, type Bundle } from '#protocol/bundle.js'
import type { TrainingConfig } from '#protocol/run-config.js'
import type { Examples } from '#data/dataset.js'
import { evaluate } from '#algorithms/evaluation/evaluate.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import { holding } from '#algorithms/methods/local-training.js'
import { headOf, type Head } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import { paramPlaces, paramsOf, toTensors } from '#algorithms/models/params.js'
import type { Streams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import type { Objective } from '#algorithms/training/objective.js'
import { trainObjective } from '#algorithms/training/train.js'
import type { HeadOptions } from './head-options.js'

/** What is added to the logit of a class that nobody holds: its probability is 0 in float32. */
const MASKED = -1e9

export interface HeadTraining {
  readonly model: Model
  /** A full set of params: the head to start from, and the one that classes without examples keep. */
  readonly released: Bundle
  /** Examples whose input is a feature vector. At least one. */
  readonly features: Examples
  /** Labels of which `features` has none. */
  readonly missing: readonly number[]
  readonly options: HeadOptions
  readonly streams: Streams
  readonly trainingRounds: number
}

/**
 * The params of the head after SGD on the mean cross-entropy of `features`, in the order of its layout. Classes without
 * examples are left out of the softmax, which would push them down until they are never predicted, and keep their column of
 * every param bit for bit. Throws as `trainObjective` does.
 */
export async function trainedHead(request: HeadTraining): Promise<Float32Array> {
  const { model, released, features, missing, options, streams, trainingRounds } = request
  const head = headOf(model)
  const before = paramsOf(head.layout, released)
  const { params } = await trainObjective({
    objective: headObjective(head, missing),
    start: options.init === 'warm' ? before : new Float32Array(before.length),
    examples: features,
    training: trainingOf(options),
    streams: (purpose, index, slot) => streams(`ccvr-head-${purpose}`, index, slot),
    round: trainingRounds + 1,
    rounds: trainingRounds + 1,
    slot: 0,
  })
  return keepingColumns(head, { before, after: params, labels: missing })
}

const trainingOf = (options: HeadOptions): TrainingConfig => ({
  localEpochs: options.epochs,
  batchSize: options.batchSize,
  optimizer: {
    name: 'sgd',
    learningRate: options.learningRate,
    momentum: options.momentum,
    weightDecay: options.weightDecay,
    schedule: { name: 'constant' },
    gradientClip: null,
  },
})

const headObjective = (head: Head, missing: readonly number[]): Objective => ({
  ...head.layout,
  tallies: [],
  on: ({ x, y }) => ({
    loss: (params) => crossEntropy(masked(head.logits(params, x), missing), y) as tf.Scalar,
  }),
})

function masked(logits: Tensor, missing: readonly number[]): Tensor {
  if (missing.length === 0) return logits
  const mask = new Float32Array(logits.shape[1] ?? 0)
  for (const label of missing) mask[label] = MASKED
  return tf.add(logits, tf.tensor1d(mask))
}

interface Columns {
  readonly before: Float32Array
  readonly after: Float32Array
  readonly labels: readonly number[]
}

/** `after` with the columns of some classes as they were `before`, in every param whose last axis is the classes. */
export function keepingColumns(head: Head, { before, after, labels }: Columns): Float32Array {
  const kept = Float32Array.from(after)
  for (const { shape, offset, size } of paramPlaces(head.layout)) {
    const classes = shape.at(-1) ?? 1
    for (const label of labels)
      for (let at = offset + label; at < offset + size; at += classes) kept[at] = before[at]!
  }
  return kept
}

/** How well a head tells features apart, classes without examples left out. */
export interface HeadScore {
  /** Mean cross-entropy, in nats. */
  readonly loss: number
  readonly accuracy: number
}
export async function headScore(
  model: Model,
  params: Float32Array,
  { features, missing }: Pick<HeadTraining, 'features' | 'missing'>,
): Promise<HeadScore> {
  const head = headOf(model)
  return holding(toTensors(head.layout, params), async (tensors) => {
    const { classes } = features.source
    const counts = await evaluate(
      (z) => masked(head.logits(tensors, z), missing),
      features,
      classes,
    )
    return { loss: counts.lossSum / counts.count, accuracy: counts.correct / counts.count }
  })
}

/** A full set of params with another head. Everything else is copied bit for bit, and so is the meta. */
export function withHead(model: Model, released: Bundle, params: Float32Array): Bundle {
  const own = new Map(namedTensors(headOf(model).layout, params).map((one) => [one.name, one]))
  const tensors = tensorsOf(released).map((tensor) => own.get(tensor.name) ?? tensor)
  return makeBundle(tensors, released.meta)
}
