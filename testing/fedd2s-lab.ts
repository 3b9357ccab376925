/** A client of fedd2s on its own, with examples small enough to follow. For tests. */
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData, Dataset, Examples } from '#data/dataset.js'
import { modelOf } from '#algorithms/from-config.js'
import { architecturesOf, type FedD2SSetup } from '#algorithms/methods/fedd2s/architectures.js'
import { featuresClient } from '#algorithms/methods/fedd2s/client.js'
import { hyper } from '#algorithms/methods/fedd2s/hyper.js'
import { unpackRows } from '#algorithms/methods/fedd2s/rows.js'
import { paramsOf } from '#algorithms/models/params.js'
import type { GatheredPayload, PerformInput, PerformResult } from '#algorithms/methods/method.js'
import {
  samplesGroup,
  SAMPLES,
  softLabelsBundle,
  taskJson,
} from '#algorithms/methods/fedd2s/wire.js'
import { tinyConfig, tinyDataset } from './tiny-federation.js'

/** Cuts dense3, dense2, dense1 with activations of 4, 5 and 6. */
export const DEEP: RunConfig['model'] = { name: 'mlp', hidden: [6, 5, 4] }
/** Of 3, 6 and 5 training examples, in no order; two for testing each. */
export const CLIENTS: readonly ClientData[] = [3, 6, 5].map((size, slot) => {
  const [source, first] = [tinyDataset(20, 1), [0, 5, 13][slot]!]
  const from = (start: number, count: number): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => start + i)
  return {
    train: { source, indices: from(first, size) },
    test: { source, indices: from(first + size, 2) },
    card: { inputShape: [...source.inputShape], classes: [...source.classes] },
  }
})

export interface LabOptions {
  readonly hyper?: JsonObject
  readonly change?: Partial<RunConfig>
}

export function fedd2sSetup({ hyper: options = {}, change = {} }: LabOptions = {}): FedD2SSetup {
  const config = tinyConfig((base) => ({
    ...{ ...base, model: DEEP, method: { name: 'fedd2s', ...options } },
    ...change,
  }))
  return {
    config,
    hyper: hyper.parse(options),
    model: modelOf(config),
    streams: createStreams(config.seed),
  }
}

export interface Asked extends Partial<PerformInput> {
  /** r, from 0. */
  readonly r?: number
  readonly cut?: string | null
}

/** A client half and what it is asked: slot 1 of the tiny federation in its first round, unless told otherwise. */
export function fedd2sLab(options: LabOptions = {}) {
  const setup = fedd2sSetup(options)
  const architectures = architecturesOf(setup)
  const half = featuresClient(setup)
  const deepest = architectures[0]!.cuts[0]!.name
  const inputOf = ({ r = 0, cut = deepest, ...rest }: Asked = {}): PerformInput => ({
    ...{ round: r + 1, slot: 1, task: taskJson({ round: r, cut, isStageStart: r === 0 }) },
    ...{ shared: NOTHING, assets: {}, personal: null, data: CLIENTS[1]!, memory: null },
    uplink: cut === null ? [] : [samplesGroup(setup, cut, architectures)],
    ...rest,
  })
  return {
    ...{ setup, architectures, half, inputOf },
    perform: (asked: Asked = {}): Promise<PerformResult> => half.perform(inputOf(asked)),
    /** The memory after a round that counted. */
    memoryAfter: async (asked: Asked = {}): Promise<Bundle> => {
      const { pending } = await half.perform(inputOf(asked))
      return half.settle!(asked.memory ?? null, pending, 'accepted')!
    },
  }
}
const NOTHING: Bundle = { tensors: [], meta: {}, payload: new Uint8Array(0) }

/** An update as the coordinator gathers it. */
export const payloadOf = ({ update, weight }: PerformResult, slot = 1): GatheredPayload => ({
  ...{ slot, weight },
  tensors: Object.fromEntries(update[SAMPLES]!.map((tensor) => [tensor.name, tensor])),
})

/** What a client sends in round 0 at the cut, and how the server reads it. */
export async function sent(hyper: JsonObject, cut = 'dense1') {
  const lab = fedd2sLab({ hyper })
  const result = await lab.perform({ cut })
  const payload = payloadOf(result)
  const where = { architectures: lab.architectures, cut }
  const read = (changed: Partial<GatheredPayload> = {}) =>
    unpackRows(lab.setup, where, { ...payload, ...changed })
  return { ...lab, result, payload, read, params: paramsOf(lab.setup.model, result.pending!) }
}

/** Soft labels for so many rows, all different: row i leans towards class i mod C. */
export function someSoftLabels(rows: number, round: number, classes = 3): Bundle {
  const values = Float32Array.from({ length: rows * classes }, (_, i) =>
    Math.floor(i / classes) % classes === i % classes ? 0.9 : 0.1 / (classes - 1),
  )
  return softLabelsBundle({ round, values }, classes)
}

/** Random examples of any shape; the same seed gives the same ones. */
export function randomExamples(
  inputShape: readonly number[],
  { count, classes, seed = 3 }: { count: number; classes: number; seed?: number },
): ClientData {
  const stream = createStreams(seed)('random', 0, 0)
  const size = inputShape.reduce((all, one) => all * one, 1)
  const names = Array.from({ length: classes }, (_, i) => `c${i}`)
  const source: Dataset = {
    ...{ name: 'random', inputShape, classes: names, count },
    features: Float32Array.from({ length: count * size }, () => stream.normal()),
    labels: Int32Array.from({ length: count }, () => stream.integer(classes)),
  }
  const train: Examples = { source, indices: Int32Array.from({ length: count }, (_, i) => i) }
  return {
    ...{ train, test: { source, indices: new Int32Array(0) } },
    card: { inputShape: [...inputShape], classes: names },
  }
}
