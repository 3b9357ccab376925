/** A federation small enough to follow with a pencil: few examples, few features, a logistic model. For tests. */
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { ClientData, Dataset } from '#data/dataset.js'

export const CLASSES = ['ant', 'bee', 'cat'] as const
export const FEATURES = 4

/** Three overlapping clouds; the same seed gives the same points. */
export function tinyDataset(count: number, seed: number): Dataset {
  const stream = createStreams(seed)('tiny', 0, 0)
  const labels = Int32Array.from({ length: count }, () => stream.integer(CLASSES.length))
  const features = new Float32Array(count * FEATURES)
  for (let i = 0; i < features.length; i++) {
    const centre = i % FEATURES === labels[Math.floor(i / FEATURES)] ? 1 : 0
    features[i] = centre + 0.5 * stream.normal()
  }
  return { name: 'tiny', inputShape: [FEATURES], classes: CLASSES, count, features, labels }
}

/** One client per entry of `sizes`, each with that many training examples and two for testing, skewed by class. */
export function tinyClients(sizes: readonly number[], seed = 1): readonly ClientData[] {
  const total = sizes.reduce((sum, size) => sum + size + 2, 0)
  const source = tinyDataset(total, seed)
  // Sorting by label makes the clients differ as much as they can.
  const order = Int32Array.from({ length: total }, (_, i) => i).sort(
    (a, b) => source.labels[a]! - source.labels[b]! || a - b,
  )
  let next = 0
  return sizes.map((size) => {
    const mine = order.subarray(next, (next += size + 2))
    return {
      train: { source, indices: mine.subarray(0, size) },
      test: { source, indices: mine.subarray(size) },
      card: { inputShape: [FEATURES], classes: [...CLASSES] },
    }
  })
}

export type ConfigChange = (config: RunConfig) => RunConfig

/** A complete configuration; `change` returns what a test wants different. */
export function tinyConfig(change: ConfigChange = (config) => config): RunConfig {
  return change({
    name: 'tiny',
    task: { inputShape: [FEATURES], classes: CLASSES },
    model: { name: 'logistic' },
    startFrom: null,
    method: { name: 'fedavg' },
    training: {
      localEpochs: 2,
      batchSize: 4,
      optimizer: {
        name: 'sgd',
        learningRate: 0.2,
        momentum: 0,
        weightDecay: 0,
        schedule: { name: 'constant' },
        gradientClip: null,
      },
    },
    aggregation: {
      rule: 'mean',
      serverOptimizer: { name: 'sgd', learningRate: 1 },
      weighting: 'examples',
      maxExamples: 1000,
      maxAbs: 64,
    },
    cohort: {
      take: 'all',
      sampler: 'uniform',
      minReporters: 1,
      deadlineSeconds: 60,
      graceSeconds: 0,
      attempts: 1,
    },
    evaluation: { central: null, federated: false, every: 1, earlyStop: null },
    compute: { backend: 'cpu', threads: 1 },
    rounds: 3,
    seed: 7,
    data: { name: 'synthetic', partition: 'iid', clients: 10, testFraction: 0 },
  })
}

interface Needs {
  /** Hyper-parameters beside their defaults. */
  readonly hyper?: JsonObject
  /** For what the logistic model does not have. */
  readonly model?: RunConfig['model']
}

/** What a method needs to work in a federation as small as this one. */
const NEEDED: Readonly<Record<string, Needs>> = {
  // Cut behind one of two hidden layers.
  fedd2s: { model: { name: 'mlp', hidden: [6, 5] } },
  // Without a bundle to start from, the frozen backbone is drawn from the seed.
  fedins: { hyper: { backbone: 'random', poolSize: 4, topK: 2 } },
  // Keeps the head with the client, and averages what is before it.
  fedper: { model: { name: 'mlp', hidden: [5] } },
  // Compares features before the head.
  moon: { model: { name: 'mlp', hidden: [5] } },
}

/** The same, with a method and its hyper-parameters; with another model where the method cannot do with this one. */
export const withMethod = (name: string, hyper: JsonObject = {}): ConfigChange => {
  const { hyper: needed, model } = NEEDED[name] ?? {}
  return (config) => ({
    ...config,
    model: model !== undefined && config.model.name === 'logistic' ? model : config.model,
    method: { name, ...needed, ...hyper },
  })
}

/** A client's training examples as plain numbers. */
export function plainRows({ train }: ClientData): {
  readonly rows: readonly (readonly number[])[]
  readonly labels: readonly number[]
} {
  const { source, indices } = train
  return {
    rows: [...indices].map((row) => [
      ...source.features.subarray(row * FEATURES, (row + 1) * FEATURES),
    ]),
    labels: [...indices].map((row) => source.labels[row]!),
  }
}
