/** A calibration of as many classes and features as are asked for, on clients whose data are random. */
import { encodeBundle } from '#protocol/bundle.js'
import { sha256, type Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { wholeDataset, type ClientData } from '#data/dataset.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { modelOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { overridden } from '#simulations/experiments.js'

export interface CcvrSetting {
  readonly classes: number
  /** Width of what enters the head. */
  readonly features: number
  readonly clients: number
  /** Of each client, spread over all classes. */
  readonly examples: number
  /** Of the configuration: `key.path=value`. */
  readonly overrides: readonly string[]
}
export interface CcvrRun {
  readonly config: RunConfig
  /** The encoded bundle that it starts from: seeded params. Neither time nor memory depends on their values. */
  readonly start: Uint8Array
}

const INPUTS = 64
const SEED = 7

export function runOf({ classes, features, clients, overrides }: CcvrSetting): CcvrRun {
  const input: JsonObject = {
    name: 'ccvr benchmark',
    task: { inputShape: [INPUTS], classes: Array.from({ length: classes }, (_, i) => String(i)) },
    model: { name: 'mlp', hidden: [features] },
    calibration: { name: 'ccvr' },
    cohort: { all: true, minReporters: clients },
    compute: { backend: 'wasm', threads: 1 },
    rounds: 0,
    seed: SEED,
  }
  const parse = (startFrom: string): RunConfig =>
    unwrap(parseRunConfig({ ...overridden(input, overrides), startFrom }, configCatalogue()))
  const unnamed = parse(sha256(''))
  const model = modelOf(unnamed)
  const params = model.init(createStreams(unnamed.seed)('init', 0, 0))
  const start = encodeBundle(labelParams(paramsBundle(model, params), unnamed))
  return { config: parse(sha256(start)), start }
}

/** Examples around a center for each class. Every client holds as many of each, give or take one. */
export function clientOf(
  { config: { task, seed } }: CcvrRun,
  { examples }: CcvrSetting,
  slot: Slot,
): ClientData {
  const streams = createStreams(seed)
  const [centers, noise] = [streams('centers', 0, 0), streams('noise', 0, slot)]
  const center = Float32Array.from({ length: task.classes.length * INPUTS }, () => centers.normal())
  const labels = Int32Array.from({ length: examples }, (_, i) => i % task.classes.length)
  const features = Float32Array.from({ length: examples * INPUTS }, (_, at) => {
    const label = labels[Math.floor(at / INPUTS)] ?? 0
    return (center[label * INPUTS + (at % INPUTS)] ?? 0) + noise.normal()
  })
  const { inputShape, classes } = task
  const whole = { name: 'random', inputShape, classes, count: examples, features, labels }
  const train = wholeDataset(whole)
  const card = { inputShape: [...inputShape], classes: [...classes] }
  return { train, test: { ...train, indices: new Int32Array(0) }, card }
}
