/** What one training step of a large model takes: of all its params, and of a FedIns pool over its frozen backbone. */
import type { Engine } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type TrainingConfig } from '#protocol/run-config.js'
import { wholeDataset, type Examples } from '#data/dataset.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { modelOf } from '#algorithms/from-config.js'
import { holding } from '#algorithms/methods/local-training.js'
import type { Backbone } from '#algorithms/methods/fedins/forward.js'
import { hyper } from '#algorithms/methods/fedins/hyper.js'
import { poolObjective } from '#algorithms/methods/fedins/objective.js'
import { initialPool, poolFloats, poolShapeOf } from '#algorithms/methods/fedins/pool.js'
import { queriesOf } from '#algorithms/methods/fedins/queries.js'
import { nearestKeys } from '#algorithms/methods/fedins/routing.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { createStreams, type Streams } from '#algorithms/tensor/stream.js'
import { tf } from '#algorithms/tensor/tf.js'
import { wholeModel } from '#algorithms/training/objective.js'
import { trainObjective } from '#algorithms/training/train.js'
import { measured, type ProcessUse } from '../process-use.js'

/** A model on random images, with random weights: neither time nor memory depends on them. */
export interface LargeModel {
  readonly config: Pick<RunConfig, 'model' | 'task' | 'seed'>
  readonly poolSize: number
  readonly topK: number
}
export const STEPS = ['fedins', 'whole'] as const
export type StepKind = (typeof STEPS)[number]

/** Numbers of float32 values. */
export interface Sizes {
  /** Without the head. */
  readonly backbone: number
  readonly sites: number
  readonly channels: number
  /** What a client sends when the whole model is averaged. */
  readonly whole: number
  /** What it sends of a pool. */
  readonly pool: number
}
export interface StepMeasurement {
  readonly kind: StepKind
  readonly engine: Engine
  /** Of each step, by the clock. The first sends the params to the backend. */
  readonly stepSeconds: readonly number[]
  /** The query: one forward pass of the bare backbone; null where there is none. */
  readonly querySeconds: number | null
  readonly loss: number
  /** Of all the steps, with reading the params back. */
  readonly use: ProcessUse
}

const poolHyper = ({ poolSize, topK }: LargeModel) => hyper.parse({ poolSize, topK })

/** Nothing is allocated. */
export function sizesOf(large: LargeModel): Sizes {
  const model = modelOf(large.config)
  return {
    backbone: extractorOf(model).layout.parameterCount,
    sites: model.sites.length,
    channels: model.sites.reduce((sum, { channels }) => sum + channels, 0),
    whole: model.parameterCount,
    pool: poolFloats(poolShapeOf(model, poolHyper(large))),
  }
}

/** Three steps of one example. Plain SGD, as the authors of FedIns train. */
function trainingOf({ task }: LargeModel['config']): TrainingConfig {
  const optimizer = { name: 'sgd', learningRate: 0.01 }
  const training = { localEpochs: 3, batchSize: 1, optimizer }
  const input = { task: { ...task }, training }
  return unwrap(parseRunConfig(input, configCatalogue())).training
}

interface Work {
  readonly large: LargeModel
  readonly model: Model
  readonly params: Float32Array
  readonly examples: Examples
  readonly streams: Streams
}

/** Takes three steps with the active backend. */
export async function measureSteps(
  large: LargeModel,
  kind: StepKind,
  engine: Engine,
): Promise<StepMeasurement> {
  const streams = createStreams(large.config.seed)
  const model = modelOf(large.config)
  const params = model.init(streams('init', 0, 0))
  const work = { large, model, params, examples: randomExample(large, streams), streams }
  const { value, use } = await measured(() =>
    kind === 'whole' ? trainWhole(work) : trainPool(work),
  )
  return { kind, engine, ...value, use }
}

function randomExample({ config }: LargeModel, streams: Streams): Examples {
  const { inputShape, classes } = config.task
  const stream = streams('data', 0, 0)
  const size = inputShape.reduce((product, length) => product * length, 1)
  const features = Float32Array.from({ length: size }, () => stream.normal())
  const labels = Int32Array.of(classes.length - 1)
  return wholeDataset({ name: 'random', inputShape, classes, count: 1, features, labels })
}

type Taken = Pick<StepMeasurement, 'stepSeconds' | 'querySeconds' | 'loss'>

async function train(
  { large, examples, streams }: Work,
  rest: Pick<Parameters<typeof trainObjective>[0], 'objective' | 'start'>,
): Promise<Pick<Taken, 'stepSeconds' | 'loss'>> {
  const training = trainingOf(large.config)
  const stepSeconds: number[] = []
  let before = performance.now()
  const onStep = (): void => {
    const now = performance.now()
    stepSeconds.push((now - before) / 1000)
    before = now
  }
  const once = { training, round: 1, rounds: 1, slot: 0, onStep }
  const { loss } = await trainObjective({ examples, streams, ...rest, ...once })
  return { stepSeconds, loss }
}

const trainWhole = async (work: Work): Promise<Taken> => ({
  ...(await train(work, { objective: wholeModel(work.model), start: work.params })),
  querySeconds: null,
})

function trainPool(work: Work): Promise<Taken> {
  const { large, model, params, examples, streams } = work
  const extractor = extractorOf(model)
  const chosen = poolHyper(large)
  const shape = poolShapeOf(model, chosen)
  const frozen = params.subarray(0, extractor.layout.parameterCount)
  return holding(toTensors(extractor.layout, frozen), async (tensors) => {
    const backbone: Backbone = { extractor, params: tensors }
    const before = performance.now()
    const queries = await queriesOf(examples, backbone, frozen)
    const querySeconds = (performance.now() - before) / 1000
    const objective = poolObjective({
      ...{ shape, hyper: chosen, backbone, queries, center: null },
      route: (query, keys) => nearestKeys(query, keys ?? tf.zeros([1, 1]), chosen.topK),
    })
    const start = initialPool(shape, streams('init', 0, 0))
    return { ...(await train(work, { objective, start })), querySeconds }
  })
}
