/**
 * Trains the small generator of the gifd specification (§7.3) on public pictures, and measures it on some that were kept
 * back. The same pictures, options and engine give the same bytes.
 */
import { FederationError } from '#protocol/errors.js'
import { createStreams, type Streams } from '#protocol/random.js'
import type { Engine } from '#protocol/record.js'
import { everyIndex, takeRows, wholeDataset, type Dataset } from '#data/dataset.js'
import { datasetHash } from '#data/dataset-hash.js'
import { initialParams } from '#algorithms/models/initializers.js'
import { layoutOf, toTensors } from '#algorithms/models/params.js'
import { plainAdam } from '#algorithms/training/client-optimizer.js'
import { trainObjective } from '#algorithms/training/train.js'
import { layeredGenerator } from './generator-blocks.js'
import { encodeGenerator } from './generator-file.js'
import { decoderShape, type DecoderShape, type GeneratorOptions } from './generator-options.js'
import type { Projection } from './layered-generator.js'
import { project } from './project.js'
import { recordHashes } from './record-hash.js'
import { decoderBlocks, decoderParams } from './vae-decoder.js'
import { vaeObjective, vaeParams } from './vae-objective.js'

/** The last part of the epochs takes smaller steps, which sharpens pictures. */
const LAST_PART = 0.25
const LAST_RATE = 0.2

export interface GeneratorProgress {
  readonly phase: 'training' | 'measuring'
  readonly done: number
  readonly total: number
}

interface GeneratorTraining {
  /** Pictures in [0, 1]; some of them are kept from training. */
  readonly pictures: Dataset
  /** For the report: which data, which part of them. */
  readonly description: string
  readonly options: GeneratorOptions
  /** What is active now: it becomes part of the file. */
  readonly engine: Engine
  /** Of one stage of the measuring. Default 300. */
  readonly projectionIterations?: number
  /** After every step; throws to give up. */
  readonly onProgress?: (progress: GeneratorProgress) => void
}

export interface TrainedGenerator {
  /** The file: see generator-file.ts. */
  readonly bytes: Uint8Array
  readonly projection: Projection
  /** Of the last epochs: cross-entropy of the pixels and the weighted divergence from the prior, in nats a picture. */
  readonly loss: number
}

interface Work {
  readonly shape: DecoderShape
  readonly train: Dataset
  readonly held: Dataset
  readonly streams: Streams
}

/** Throws `model/does-not-fit` for data that are no pictures, `config/impossible` for too few, and what training throws. */
export async function trainGenerator(request: GeneratorTraining): Promise<TrainedGenerator> {
  const { pictures, options } = request
  const shape = shapeFor(pictures, options)
  const streams = createStreams(options.seed)
  const work = { shape, streams, ...keptApart(pictures, options.heldOut, streams) }
  const { params, loss } = await trainAll(request, work)
  const size = layoutOf('', decoderParams(shape).map(spec)).parameterCount
  const weights = params.slice(0, size)
  const projection = await measure(request, work, weights)
  const bytes = encodeGenerator({
    ...{ shape, weights, projection },
    classNames: pictures.classes,
    trainedOn: `${request.description}, ${work.train.count} pictures`,
    trainingRecords: recordHashes(wholeDataset(work.train)),
    training: {
      options: { ...options },
      data: { examples: pictures.count, hash: datasetHash(pictures) },
      engine: { ...request.engine },
      loss,
    },
  })
  return { bytes, projection, loss }
}

const spec = ({ name, shape }: { readonly name: string; readonly shape: readonly number[] }) => ({
  ...{ name, shape },
  dtype: 'float32' as const,
})

/** Of the decoder for these pictures. Throws `model/does-not-fit` and `config/impossible` where none can be trained on them. */
export function shapeFor(pictures: Dataset, options: GeneratorOptions): DecoderShape {
  const shape = decoderShape(pictures.inputShape, pictures.classes.length, options)
  const { features, count } = pictures
  if (count < 2 * options.heldOut) {
    throw new FederationError(
      'config/impossible',
      `A generator needs at least ${2 * options.heldOut} pictures, twice heldOut; there are ${count}`,
    )
  }
  const outside = features.find((value) => !(value >= 0 && value <= 1))
  if (outside === undefined) return shape
  throw new FederationError(
    'model/does-not-fit',
    `A generator needs pictures with values in [0, 1], got ${outside}`,
  )
}

/** Some pictures at random are kept from training. */
function keptApart(
  pictures: Dataset,
  heldOut: number,
  streams: Streams,
): Pick<Work, 'train' | 'held'> {
  const order = streams('generator-held-out', 0, 0).shuffle(everyIndex(pictures.count))
  return {
    held: takeRows(pictures, order.slice(0, heldOut)),
    train: takeRows(pictures, order.slice(heldOut)),
  }
}

/** Two trainings one after the other, the second with smaller steps. */
async function trainAll(
  { options, onProgress }: GeneratorTraining,
  { shape, train, streams }: Work,
): Promise<{ readonly params: Float32Array; readonly loss: number }> {
  const { epochs, batchSize, learningRate, hidden } = options
  const last = epochs === 1 ? 0 : Math.max(1, Math.round(LAST_PART * epochs))
  const phases = [
    { localEpochs: epochs - last, rate: learningRate },
    { localEpochs: last, rate: LAST_RATE * learningRate },
  ].filter(({ localEpochs }) => localEpochs > 0)
  const objective = vaeObjective(shape, options, streams('generator-latents', 0, 0))
  const total = epochs * Math.ceil(train.count / batchSize)
  let result = {
    params: initialParams(vaeParams(shape, hidden), streams('init', 0, 0)),
    loss: Number.NaN,
  }
  let before = 0
  for (const [i, { localEpochs, rate }] of phases.entries()) {
    let steps = 0
    result = await trainObjective({
      ...{ objective, streams, start: result.params, examples: wholeDataset(train) },
      training: { localEpochs, batchSize, optimizer: plainAdam(rate) },
      ...{ round: i + 1, rounds: phases.length, slot: 0 },
      onStep: (done) => {
        steps = done
        onProgress?.({ phase: 'training', done: before + done, total })
      },
    })
    before += steps
  }
  return result
}

async function measure(
  { description, onProgress, projectionIterations: iterations = 300 }: GeneratorTraining,
  { shape, train, held, streams }: Work,
  weights: Float32Array,
): Promise<Projection> {
  const generator = layeredGenerator(
    {
      ...{ name: 'in training', trainedOn: description },
      ...{ latentDim: shape.latentDim, conditional: shape.conditional, classes: shape.classes },
      blocks: decoderBlocks(shape),
      weights: toTensors(layoutOf('generator', decoderParams(shape).map(spec)), weights),
    },
    '',
  )
  const total = iterations * (generator.lastFeature + 1)
  let done = 0
  const onIteration = (): void => {
    done += 1
    onProgress?.({ phase: 'measuring', done, total })
  }
  try {
    const stream = streams('generator-projection', 0, 0)
    return await project({
      ...{ generator, held: wholeDataset(held), train, stream, iterations, onIteration },
    })
  } finally {
    generator.dispose()
  }
}
