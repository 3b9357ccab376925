/** FedIns over a perceptron small enough for its oracle, and a round of it step by step. For tests. */
import {
  bundleHash,
  float32Of,
  hasTensor,
  makeBundle,
  nestBundles,
  partOf,
} from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { methodSetup, serverSetup } from '#algorithms/from-config.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import { fedinsClient } from '#algorithms/methods/fedins/client.js'
import type { Backbone } from '#algorithms/methods/fedins/forward.js'
import type { FedInsHyper } from '#algorithms/methods/fedins/hyper.js'
import { KEYS, poolLayout } from '#algorithms/methods/fedins/pool.js'
import { fedinsServer } from '#algorithms/methods/fedins/server.js'
import { CENTER, shapeOf, type FedInsSetup } from '#algorithms/methods/fedins/setup.js'
import type {
  CloseResult,
  PerformInput,
  PerformResult,
  RoundPlan,
  ServerSetup,
} from '#algorithms/methods/method.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Example, NaivePool, Net } from './fedins-reference.js'
import { assetsOf } from './run-rounds-in-memory.js'
import { FEATURES, tinyConfig } from './tiny-federation.js'

/** Sites dense1 (5), dense2 (4) and norm (4): queries of 4 numbers. */
const MODEL = { name: 'mlp', hidden: [5, 4], activation: 'gelu', closingNorm: true }

export interface Lab {
  readonly config: RunConfig
  readonly setup: FedInsSetup
  readonly serverSetup: ServerSetup<FedInsHyper>
  /** Every param drawn, the norm's and the biases too. */
  readonly startFrom: Bundle
}

/** One round of the perceptron unless `change` says otherwise; it may name another model and task. */
export function labOf(
  hyper: JsonObject,
  change: (config: RunConfig) => RunConfig = (config) => config,
): Lab {
  const method = { name: 'fedins', poolSize: 4, topK: 2, ...hyper }
  const changed = change(tinyConfig((base) => ({ ...base, model: MODEL, method, rounds: 1 })))
  const startFrom = drawnParams(changed)
  const config = { ...changed, startFrom: bundleHash(startFrom) }
  return {
    ...{ config, startFrom },
    setup: methodSetup(config) as FedInsSetup,
    serverSetup: serverSetup(config) as ServerSetup<FedInsHyper>,
  }
}

export const withTraining = (training: Partial<RunConfig['training']>) => (config: RunConfig) => ({
  ...config,
  training: { ...config.training, ...training },
})
export const withLearningRate = (learningRate: number) => (config: RunConfig) =>
  withTraining({ optimizer: { ...config.training.optimizer, learningRate } })(config)

/** Params of a configuration's model with noise on all of them. */
export function drawnParams(config: RunConfig): Bundle {
  const { model, streams } = methodSetup(config)
  const noise = streams('test/backbone', 0, 0)
  return paramsBundle(
    model,
    model.init(streams('init', 0, 0)).map((value) => value + 0.3 * noise.normal()),
  )
}

/** Runs `use` with the lab's frozen network on the device, and disposes it. */
export async function withBackbone<T>(
  { setup, startFrom }: Pick<Lab, 'setup' | 'startFrom'>,
  use: (backbone: Backbone) => T | Promise<T>,
): Promise<T> {
  const extractor = extractorOf(setup.model)
  const params = toTensors(extractor.layout, paramsOf(extractor.layout, startFrom))
  try {
    return await use({ extractor, params })
  } finally {
    tf.dispose(params)
  }
}

const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => [
    ...values.subarray(i * width, (i + 1) * width),
  ])

/** The frozen network for the oracle. */
export function netOf({ startFrom }: Pick<Lab, 'startFrom'>): Net {
  const of = (name: string): Float32Array => float32Of(startFrom, name)
  const layer = (name: string) => ({
    kernel: rowsOf(of(`${name}/kernel`), of(`${name}/bias`).length),
    bias: [...of(`${name}/bias`)],
  })
  return {
    layers: [layer('dense1'), layer('dense2')],
    norm: { scale: [...of('norm/scale')], shift: [...of('norm/shift')] },
  }
}

/** A flat pool for the oracle. */
export function naivePool({ setup }: Pick<Lab, 'setup'>, flat: Float32Array): NaivePool {
  const { entries } = shapeOf(setup)
  const tensors = namedTensors(poolLayout(shapeOf(setup)), flat).map(({ name, data }) => ({
    ...{ name, rows: rowsOf(data as Float32Array, data.length / entries) },
  }))
  return {
    keys: tensors.find(({ name }) => name === KEYS)?.rows ?? [],
    entries: Array.from({ length: entries }, (_, m) =>
      tensors.filter(({ name }) => name !== KEYS).flatMap(({ rows }) => rows[m]!),
    ),
  }
}

/** Entry `order[m]` becomes entry m, in every tensor. */
export function reordered(
  { setup }: Pick<Lab, 'setup'>,
  flat: Float32Array,
  order: readonly number[],
): Float32Array {
  const tensors = namedTensors(poolLayout(shapeOf(setup)), flat)
  const rows = tensors.flatMap(({ data }) => {
    const own = rowsOf(data as Float32Array, data.length / order.length)
    return order.flatMap((m) => own[m]!)
  })
  return Float32Array.from(rows)
}

/** The client's training examples for the oracle. */
export const naiveExamples = ({ train }: Pick<ClientData, 'train'>): Example[] =>
  [...train.indices].map((row) => ({
    x: [...train.source.features.subarray(row * FEATURES, (row + 1) * FEATURES)],
    label: train.source.labels[row]!,
  }))

/** The flat pool out of a server's state, or out of what it shares. */
export const poolIn = ({ setup }: Pick<Lab, 'setup'>, state: Bundle): Float32Array =>
  paramsOf(
    poolLayout(shapeOf(setup)),
    hasTensor(state, 'head/bias') ? state : partOf(state, 'pool'),
  )

/** A state whose pool is this one; `center` where queries are centred and their mean is known. */
export const stateWith = (
  { setup }: Pick<Lab, 'setup'>,
  pool: Float32Array,
  center?: Float32Array,
): Bundle =>
  nestBundles({
    pool: makeBundle([
      ...namedTensors(poolLayout(shapeOf(setup)), pool),
      ...(center === undefined
        ? []
        : [{ name: CENTER, shape: [center.length], dtype: 'float32' as const, data: center }]),
    ]),
    optimizer: makeBundle([]),
  })

export const initialState = ({ serverSetup: setup, startFrom }: Lab): Bundle =>
  fedinsServer(setup).init(startFrom)

export function planOf({ serverSetup: setup }: Lab, state: Bundle): RoundPlan {
  const plan = fedinsServer(setup).next(state)
  if (plan === 'done') throw new Error('FedIns never ends by itself')
  return plan
}

export interface Performing extends Partial<Pick<PerformInput, 'slot' | 'round' | 'onStep'>> {
  readonly data: ClientData
}
/** What a client makes of the plan for a state. */
export function performed(lab: Lab, state: Bundle, { data, ...rest }: Performing) {
  const plan = planOf(lab, state)
  return fedinsClient(lab.setup).perform({
    ...{ round: 1, slot: 0, personal: null, memory: null, data, ...rest },
    ...{ task: plan.task, shared: plan.shared, uplink: plan.uplink },
    assets: assetsOf(lab, plan),
  })
}

/** What the server makes of these updates, in the order of their slots: place by place. */
export async function closed(
  lab: Lab,
  state: Bundle,
  results: readonly Pick<PerformResult, 'update' | 'weight'>[],
): Promise<CloseResult> {
  const plan = planOf(lab, state)
  const fold = createFold(plan.uplink)
  const { maxExamples } = lab.config.aggregation
  results.forEach(({ update, weight }, slot) => {
    const arrived = packUpdate(update, plan.uplink)
    const received = receiveUpdate(arrived, weight, { uplink: plan.uplink, maxExamples })
    fold.add({ slot, weight, update: unwrap(received) })
  })
  return fedinsServer(lab.serverSetup).close(
    state,
    plan,
    fold.finish({ population: results.length }),
  )
}

/** One round of everyone: the new state. */
export async function roundOf(
  lab: Lab,
  state: Bundle,
  clients: readonly ClientData[],
): Promise<Bundle> {
  const results: PerformResult[] = []
  for (const [slot, data] of clients.entries()) {
    results.push(await performed(lab, state, { data, slot }))
  }
  return (await closed(lab, state, results)).state
}

/** The delta of a client's pool, tensor after tensor. */
export const deltaOf = ({ update }: Pick<PerformResult, 'update'>): Float32Array =>
  Float32Array.from((update['pool'] ?? []).flatMap(({ data }) => [...data]))

/** The pool as the client left it. */
export const localPool = (start: Float32Array, result: PerformResult): Float32Array => {
  const delta = deltaOf(result)
  return start.map((value, i) => value + delta[i]!)
}

/** Largest absolute difference. */
export const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}
export const farthestPool = (a: NaivePool, b: NaivePool): number =>
  farthest([a.entries, a.keys].flat(2), [b.entries, b.keys].flat(2))
