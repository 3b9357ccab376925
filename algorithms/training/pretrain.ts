/**
 * Central training of a model on public data: one client whose rounds are epochs. The result is a labelled bundle that a
 * run can start from. The same options, data and engine give the same bytes.
 */
import { makeBundle, tensorsOf, type Bundle, type NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { Engine } from '#protocol/record.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import { everyIndex, wholeDataset, type Dataset, type Examples } from '#data/dataset.js'
import { datasetHash } from '#data/dataset-hash.js'
import { findLoader } from '#data/loaders/loader-list.js'
import { evaluate, forBatches, modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { modelOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsBundle, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Streams } from '#algorithms/tensor/stream.js'
import { relabelled } from './pretrain-labels.js'
import { KEY_DEVIATION, PRETRAINED_KEYS } from './pretrained-keys.js'
import { sphericalKMeans } from './spherical-k-means.js'
import { trainLocally } from './train.js'

/** Enough for any number of centroids that can route, and a second of work at most. */
const MOST_ROWS_FOR_KEYS = 10_000

export interface EpochProgress {
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Mean cross-entropy of the epoch, in nats. */
  readonly loss: number
}
export interface Pretraining {
  readonly options: PretrainOptions
  readonly train: Dataset
  /** Held out; may be empty. */
  readonly test: Dataset
  /** What is active now: it becomes part of the result. */
  readonly engine: Engine
  readonly onEpoch?: (progress: EpochProgress) => void
}
export interface Pretrained {
  readonly bundle: Bundle
  /** Shares of right predictions. `test` is null without held-out examples. */
  readonly accuracy: { readonly train: number; readonly test: number | null }
}

/**
 * Throws `config/impossible` when the labels need domains that the data do not have or there are fewer examples than keys,
 * and what training throws.
 */
export async function pretrain(request: Pretraining): Promise<Pretrained> {
  const { options, engine } = request
  const [train, test] = [request.train, request.test].map((dataset) =>
    wholeDataset(relabelled(dataset, options.labels)),
  ) as [Examples, Examples]
  const { inputShape, classes } = train.source
  const task = { inputShape, classes }
  const model = modelOf({ model: options.model, task })
  const streams = createStreams(options.seed)
  const params = await trainEpochs(request, { model, examples: train, streams })
  const accuracy = {
    train: (await accuracyOf(model, params, train)) ?? 0,
    test: await accuracyOf(model, params, test),
  }
  const keys =
    options.keys === null
      ? []
      : [await keysOf({ model, params, examples: train, streams }, options.keys)]
  const tensors = [...tensorsOf(paramsBundle(model, params)), ...keys]
  const labelled = labelParams(makeBundle(tensors), { model: options.model, task })
  const pretrained = {
    options: publicOptions(options),
    data: { train: factsOf(request.train), test: factsOf(request.test) },
    accuracy,
    engine: { ...engine },
  }
  return { bundle: { ...labelled, meta: { ...labelled.meta, pretrained } }, accuracy }
}

const factsOf = (dataset: Dataset): JsonObject => ({
  examples: dataset.count,
  hash: datasetHash(dataset),
})

/** Without what says nothing elsewhere: the path of a file, and the backend that was asked for beside the one that was used. */
function publicOptions({ compute: _compute, data, ...options }: PretrainOptions): JsonObject {
  const { path, ...source } = data
  const isReproducible = findLoader(data.name).reproducible
  return {
    ...options,
    data: { ...source, ...(path !== undefined && isReproducible ? { path } : {}) },
  }
}

interface Work {
  readonly model: Model
  readonly examples: Examples
  readonly streams: Streams
}

async function trainEpochs({ options, onEpoch }: Pretraining, work: Work): Promise<Float32Array> {
  const { epochs, batchSize, optimizer } = options
  let params = work.model.init(work.streams('init', 0, 0))
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const trained = await trainLocally({
      ...work,
      start: params,
      training: { localEpochs: 1, batchSize, optimizer },
      round: epoch,
      rounds: epochs,
      slot: 0,
    })
    params = trained.params
    onEpoch?.({ epoch, epochs, loss: trained.loss })
  }
  return params
}

async function accuracyOf(
  model: Model,
  params: Float32Array,
  examples: Examples,
): Promise<number | null> {
  if (examples.indices.length === 0) return null
  const predictor = modelPredictor(model, params)
  try {
    const { correct, count } = await evaluate(predictor.predict, examples, examples.source.classes)
    return correct / count
  } finally {
    predictor.dispose()
  }
}

/** Directions that the features of the trained backbone share. */
async function keysOf(
  { model, params, examples, streams }: Work & { readonly params: Float32Array },
  count: number,
): Promise<NamedTensor> {
  const rows = streams('keys', 0, 0)
    .shuffle(everyIndex(examples.indices.length))
    .subarray(0, MOST_ROWS_FOR_KEYS)
  if (rows.length < count) {
    throw new FederationError(
      'config/impossible',
      `keys: ${count} key vectors need at least as many examples, got ${rows.length}`,
    )
  }
  const features = await featuresOf(model, params, { ...examples, indices: rows })
  const size = features.length / rows.length
  const length = KEY_DEVIATION * Math.sqrt(size)
  const centroids = sphericalKMeans({ values: features, size }, count, streams('keys', 1, 0))
  return {
    name: PRETRAINED_KEYS,
    shape: [count, size],
    dtype: 'float32',
    data: centroids.map((value) => value * length),
  }
}

/** What enters the head, example after example. */
async function featuresOf(
  model: Model,
  params: Float32Array,
  examples: Examples,
): Promise<Float32Array> {
  const tensors = toTensors(model, params)
  const parts: Float32Array[] = []
  try {
    const features = (x: tf.Tensor) => model.forward(tensors, x, { to: model.blocks.length - 1 })
    await forBatches(features, examples, (values) => parts.push(values))
  } finally {
    tf.dispose(tensors)
  }
  const size = parts[0]?.length ?? 0
  const all = new Float32Array(parts.length * size)
  parts.forEach((part, i) => all.set(part, i * size))
  return all
}
