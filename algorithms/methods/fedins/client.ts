import type { NamedTensor } from '#protocol/bundle.js'
import type { Metrics } from '#protocol/record.js'
import { effectiveEntries } from '#algorithms/evaluation/routing.js'
import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { holding } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PerformInput, PerformResult } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { trainObjective } from '#algorithms/training/train.js'
import type { ObjectiveResult } from '#algorithms/training/train.js'
import { fedinsPredictor } from './predictor.js'
import { poolObjective, TALLIES } from './objective.js'
import { poolLayout } from './pool.js'
import { meanQuery, queriesOf } from './queries.js'
import { centerIn, CENTER, frozenParams, routerOf, shapeOf, type FedInsSetup } from './setup.js'

/** Trains the pool on this client's examples over the frozen backbone, and sends how far the entries moved. */
export const fedinsClient = (setup: FedInsSetup): ClientHalf => ({
  perform: (input) =>
    input.task['step'] === CENTER ? sendMeanQuery(setup, input) : trainPool(setup, input),
  predictor: fedinsPredictor(setup),
})

/** The queries of the training examples, [examples, D]. */
async function ownQueries(setup: FedInsSetup, { assets, data }: PerformInput) {
  const extractor = extractorOf(setup.model)
  const frozen = frozenParams(setup, assets)
  return holding(toTensors(extractor.layout, frozen), (params) =>
    queriesOf(data.train, { extractor, params }, frozen),
  )
}

async function sendMeanQuery(setup: FedInsSetup, input: PerformInput): Promise<PerformResult> {
  const mean = meanQuery(await ownQueries(setup, input), extractorOf(setup.model).width)
  return {
    update: { query: [{ name: 'mean', shape: [mean.length], dtype: 'float32', data: mean }] },
    weight: input.data.train.indices.length,
    metrics: {},
    pending: input.memory,
  }
}

async function trainPool(setup: FedInsSetup, input: PerformInput): Promise<PerformResult> {
  const { shared, data, memory } = input
  const layout = poolLayout(shapeOf(setup))
  const start = paramsOf(layout, shared)
  const trained = await train(setup, input, start)
  const routing = routingOf(setup, trained, data.train.indices.length)
  const delta = namedTensors(layout, difference(trained.params, start))
  const { usage, similarity, metrics } = routing
  return {
    update: {
      pool: setup.hyper.weighting === 'usage' ? byUsage(delta, usage) : delta,
      routing: [
        { name: 'usage', shape: [usage.length], dtype: 'float32', data: usage },
        { name: 'similarity', shape: [1], dtype: 'float32', data: Float32Array.of(similarity) },
      ],
    },
    weight: data.train.indices.length,
    metrics: { loss: trained.loss, steps: trained.steps, ...metrics },
    pending: memory,
  }
}

async function train(
  setup: FedInsSetup,
  input: PerformInput,
  start: Float32Array,
): Promise<ObjectiveResult> {
  const { config, streams, model, hyper } = setup
  const { round, slot, data, shared, assets, onStep } = input
  const shape = shapeOf(setup)
  const extractor = extractorOf(model)
  const queries = await ownQueries(setup, input)
  const center = centerIn(setup, shared)
  const draws = streams('fedins-routing', round, slot)
  return holding(toTensors(extractor.layout, frozenParams(setup, assets)), (params) =>
    trainObjective({
      objective: poolObjective({
        ...{ shape, hyper, queries, center, backbone: { extractor, params } },
        route: routerOf(setup, () => draws),
      }),
      ...{ start, examples: data.train, training: config.training },
      ...{ streams, round, rounds: config.rounds, slot },
      ...(onStep === undefined ? {} : { onStep }),
    }),
  )
}

/** How the entries were used over all steps. */
function routingOf(
  { config, hyper }: FedInsSetup,
  { tallies }: ObjectiveResult,
  examples: number,
): { readonly usage: Float32Array; readonly similarity: number; readonly metrics: Metrics } {
  const choices = examples * config.training.localEpochs * hyper.topK
  const counts = tallies[TALLIES.usage] ?? new Float32Array(0)
  const [sum = 0] = tallies[TALLIES.similarity] ?? []
  const usage = counts.map((count) => count / choices)
  const similarity = sum / choices
  return { usage, similarity, metrics: { similarity, effectiveEntries: effectiveEntries(usage) } }
}

/** Row m times the share of choices that fell on entry m. */
const byUsage = (tensors: readonly NamedTensor[], usage: Float32Array): readonly NamedTensor[] =>
  tensors.map((tensor) => {
    const width = tensor.data.length / usage.length
    const data = Float32Array.from(tensor.data, (value, i) => value * usage[Math.floor(i / width)]!)
    return { ...tensor, data }
  })
