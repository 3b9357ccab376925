/** What tests of the audit share: records, settings, targets. Small enough to be fast on every backend. */
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { Dataset, Examples } from '#data/dataset.js'
import {
  makeTarget,
  type MatchTarget,
  type TargetSpec,
} from '#algorithms/audit/target/match-target.js'
import type { AuditRecords } from '#algorithms/audit/target/records.js'
import { modelOf } from '#algorithms/from-config.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { tinyConfig } from './tiny-federation.js'

export const AUDIT_CLASSES = ['a', 'b', 'c', 'd'] as const
export const IMAGE = [8, 8, 1] as const

/** Smooth random pictures in [0, 1]: sums of a few waves. Labels take turns. */
export function pictures(count: number, seed: number, shape: readonly number[] = IMAGE): Dataset {
  const stream = createStreams(seed)('audit-target', 0, 0)
  const [height = 1, width = 1, channels = 1] = shape
  const size = height * width * channels
  const features = new Float32Array(count * size)
  for (let n = 0; n < count; n++) {
    const waves = Array.from({ length: 3 }, () => [1, 2, 3, 4].map(() => stream.uniform()))
    for (let i = 0; i < size; i++) {
      const [row, column] = [Math.floor(i / (width * channels)), Math.floor(i / channels) % width]
      const value = waves.reduce(
        (sum, [a = 0, b = 0, phase = 0, size = 0]) =>
          sum + size * Math.cos(2 * a * row + 2 * b * column + 6 * phase + (i % channels)),
        0,
      )
      features[n * size + i] = Math.min(1, Math.max(0, 0.5 + value / 2))
    }
  }
  const labels = Int32Array.from({ length: count }, (_, n) => (3 * n + 1) % AUDIT_CLASSES.length)
  return { name: 'waves', inputShape: [...shape], classes: AUDIT_CLASSES, count, features, labels }
}

export const synthetic = (examples: Examples): AuditRecords => ({
  examples,
  basis: 'synthetic',
  description: 'waves',
})

export interface LabOptions {
  readonly model?: RunConfig['model']
  readonly shape?: readonly number[]
  readonly method?: JsonObject & { readonly name: string }
  readonly optimizer?: Partial<RunConfig['training']['optimizer']> & JsonObject
  readonly updates?: readonly (JsonObject & { readonly name: string })[]
  readonly localEpochs?: number
  readonly batchSize?: number
}

/** A client that takes all its records in every step. */
export function labConfig(options: LabOptions = {}): RunConfig {
  const { model = { name: 'gap' }, shape = IMAGE, method = { name: 'fedavg' }, updates } = options
  return tinyConfig((config) => ({
    ...config,
    ...{ model, method },
    ...(updates === undefined ? {} : { updates }),
    task: { inputShape: [...shape], classes: AUDIT_CLASSES },
    training: {
      localEpochs: options.localEpochs ?? 1,
      batchSize: options.batchSize ?? 1000,
      optimizer: { ...config.training.optimizer, learningRate: 0.1, ...options.optimizer },
    },
  }))
}

/** Drawn as a run does, with biases that are not 0. */
export function labParams(config: RunConfig, seed = 5): Float32Array {
  const stream = createStreams(seed)('audit-target-params', 0, 0)
  return modelOf(config)
    .init(stream)
    .map((value) => value + 0.05 * stream.normal())
}

export interface LabTarget {
  readonly target: MatchTarget
  readonly config: RunConfig
  /** The true records, labels ascending, as the slots of a batch have them. */
  readonly x: Tensor
  readonly y: Tensor
  readonly dispose: () => void
}

export type LabSpec = LabOptions &
  Partial<Omit<TargetSpec, 'config' | 'records'>> & {
    readonly count?: number
    readonly seed?: number
  }

/** The update of `count` records, and these records. */
export async function labTarget(spec: LabSpec = {}): Promise<LabTarget> {
  const { count = 1, seed = 1, shape = IMAGE, clients = 1, slot = 0 } = spec
  const config = labConfig(spec)
  const source = pictures(count, seed, shape)
  const examples = { source, indices: Int32Array.from({ length: count }, (_, i) => i) }
  const target = await makeTarget({
    ...{ config, clients, slot, records: synthetic(examples) },
    params: spec.params ?? labParams(config),
    approximation: spec.approximation ?? 'unrolled',
    labels: spec.labels ?? 'given',
  })
  const order = [...examples.indices].sort((a, b) => source.labels[a]! - source.labels[b]! || a - b)
  const { x, y } = batchOf(examples, order)
  const dispose = (): void => {
    target.dispose()
    tf.dispose([x, y])
  }
  return { target, config, x, y, dispose }
}

/** As many numbers in [0, 1) of a stream as the tensor has, in its shape. */
export function noiseLike(x: Tensor, seed = 9): Tensor {
  const stream = createStreams(seed)('audit-target-noise', 0, 0)
  return tf.tensor(
    Float32Array.from({ length: x.size }, () => stream.uniform()),
    x.shape,
  )
}

export const flatOf = (tensors: readonly Tensor[]): Float32Array =>
  Float32Array.from(tensors.flatMap((tensor) => [...tensor.dataSync()]))
export const dotOf = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)
export const normOf = (a: ArrayLike<number>): number => Math.sqrt(dotOf(a, a))
/** ‖a − b‖ / ‖b‖ */
export const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  normOf(Array.from(a, (value, i) => value - b[i]!)) / normOf(b)
