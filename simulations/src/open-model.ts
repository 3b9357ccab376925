/** A model file on disk, ready to predict: what `models evaluate` and `models predict` use, and programs that embed it. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import { wholeDataset, type Dataset, type Examples } from '#data/index.js'
import { forBatches } from '#algorithms/evaluation/evaluate.js'
import { openPredictor, readModelFile, type ModelFile } from '#algorithms/model-file.js'
import { assetBundles, type PredictorHandle } from '#algorithms/methods/method.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { findBundle, readCached } from './bundle-cache.js'

export interface Prediction {
  /** The most probable class: its number and name. */
  readonly label: number
  readonly class: string
  /** By label; they sum to 1. */
  readonly probabilities: readonly number[]
  /** The entries that the input was routed to; only for methods that choose. */
  readonly entries?: readonly number[]
}

export interface OpenModel {
  readonly file: ModelFile
  readonly predictor: PredictorHandle
  /** One prediction per example of `features`: rows of product(inputShape) values, scaled as in training. */
  predict(features: Float32Array): Promise<readonly Prediction[]>
  predictAll(examples: Examples): Promise<readonly Prediction[]>
  dispose(): void
}

/** Reads a model file alone. Throws `model/unreadable`, which says `otherwise` where there is no such file. */
export async function readModelAt(path: string, otherwise?: string): Promise<ModelFile> {
  try {
    return readModelFile(await readFile(path))
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    const why = code === 'ENOENT' && otherwise !== undefined ? otherwise : code
    throw new FederationError('model/unreadable', `Cannot read '${path}': ${why}`, { cause })
  }
}

/**
 * Opens a model file with the bundles it needs: they lie beside it, where exports put them, or in this user's cache. Throws
 * `model/unreadable`, `model/does-not-fit` or `backend/…`.
 */
export async function openModel(
  path: string,
  backend: Exclude<ComputeConfig['backend'], 'auto'> = 'wasm',
): Promise<OpenModel> {
  const file = await readModelAt(path)
  await useBackend(backend, { threads: 1 })
  const predictor = openPredictor(file, await openAssets(path, file))
  const predictAll = (examples: Examples) => predictions(file, predictor, examples)
  return {
    ...{ file, predictor, predictAll },
    predict: (features) => predictAll(wholeDataset(unlabelled(file, features))),
    dispose: () => predictor.dispose(),
  }
}

/** The bundles that a file at `path` needs beside itself, by name. Throws `model/unreadable` when one is nowhere. */
export const openAssets = (
  path: string,
  { assets }: ModelFile,
): Promise<Readonly<Record<string, Bundle>>> =>
  assetBundles(assets, (hash, name) => assetBeside(path, hash, name))

async function assetBeside(path: string, hash: Hash, name: string): Promise<Bundle> {
  const folder = dirname(path)
  for (const candidate of ['start.bundle', `${name}.bundle`, `${hash}.bundle`]) {
    const bytes = await readCached(join(folder, candidate))
    if (bytes !== null && sha256(bytes) === hash) return unwrap(decodeBundle(bytes))
  }
  const cached = await findBundle(hash)
  if (cached !== null) return unwrap(decodeBundle(cached))
  throw new FederationError(
    'model/unreadable',
    `${path} needs the ${name} ${hash} beside it, as start.bundle or ${name}.bundle: export the run again`,
  )
}

function unlabelled({ task }: ModelFile, features: Float32Array): Dataset {
  const size = task.inputShape.reduce((product, length) => product * length, 1)
  const count = features.length / size
  if (!Number.isInteger(count)) {
    throw new FederationError(
      'data/mismatch',
      `Expected rows of ${size} values, got ${features.length} values`,
    )
  }
  const { inputShape, classes } = task
  return { name: 'rows', inputShape, classes, count, features, labels: new Int32Array(count) }
}

async function predictions(
  { task }: ModelFile,
  { predict, route }: PredictorHandle,
  examples: Examples,
): Promise<readonly Prediction[]> {
  const found: Prediction[] = []
  await forBatches(predict, examples, (logits) => found.push(predictionOf(logits, task.classes)))
  if (route === undefined) return found
  const entries: (readonly number[])[] = []
  await forBatches(route, examples, (chosen) => entries.push(placesOfOnes(chosen)))
  return found.map((prediction, i) => ({ ...prediction, entries: entries[i] ?? [] }))
}

function predictionOf(logits: Float32Array, classes: readonly string[]): Prediction {
  const largest = Math.max(...logits)
  const weights = Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const label = logits.indexOf(largest)
  return {
    label,
    class: classes[label] ?? '',
    probabilities: weights.map((weight) => weight / sum),
  }
}

const placesOfOnes = (chosen: Float32Array): readonly number[] =>
  [...chosen.keys()].filter((entry) => chosen[entry] === 1)
