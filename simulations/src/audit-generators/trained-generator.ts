/** Generators in the user's cache: trained once for equal data, options and engine. */
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { isHash, sha256, type Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import { VERSION } from '#protocol/version.js'
import { publicSourceName } from '#data/index.js'
import { datasetHash } from '#data/dataset-hash.js'
import type { Dataset } from '#data/dataset.js'
import { openShare, type SharedSource } from '#data/share.js'
import { generatorLabel } from '#algorithms/audit/generator/generator-file.js'
import type { GeneratorOptions } from '#algorithms/audit/generator/generator-options.js'
import type { Projection } from '#algorithms/audit/generator/layered-generator.js'
import {
  shapeFor,
  trainGenerator,
  type GeneratorProgress,
} from '#algorithms/audit/generator/train-generator.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { bundlePath, findBundle, keepBundle, readCached, writeCached } from '../bundle-cache.js'
import { cacheDirectory } from '../cache-directory.js'
import { pinBackend } from '../pin-backend.js'

export interface GeneratorRequest {
  readonly data: SharedSource
  readonly options: GeneratorOptions
  readonly compute: ComputeConfig
}
export interface GeneratorHooks {
  /** Told what was measured when the backend is left to `auto`. */
  readonly onBackend?: (choice: BackendChoice) => void
  /** Told before training; not called when the file was kept from before. */
  readonly onStart?: (pictures: number) => void
  readonly onProgress?: (progress: GeneratorProgress) => void
  /** Ends the training: rejects with `pretrain/interrupted`. */
  readonly signal?: AbortSignal
}
export interface GeneratorFile {
  readonly hash: Hash
  readonly path: string
  readonly projection: Projection
  readonly trainedOn: string
  /** False: it was made now. */
  readonly isKept: boolean
}

/**
 * The generator that these pictures and options make: out of the cache if it is there and whole, else trained now, in this
 * process, and kept. Throws what loading the data, the backend and training throw, `pretrain/interrupted` and `store/io`.
 */
export async function trainedGenerator(
  request: GeneratorRequest,
  hooks: GeneratorHooks = {},
): Promise<GeneratorFile> {
  const pictures = await openShare(request.data)
  const { options } = request
  shapeFor(pictures, options)
  const { backend, threads } = await chosen(request.compute, pictures, hooks)
  if (backend === 'auto') throw new FederationError('internal/bug', 'No backend was chosen')
  const engine = await useBackend(backend, { threads })
  const description = describeShare(request.data)
  const key = { options, engine, description, version: VERSION, data: datasetHash(pictures) }
  const index = join(cacheDirectory(), 'generators', sha256(canonicalJson(key)))
  const kept = await keptUnder(index)
  if (kept !== null) return kept
  hooks.onStart?.(pictures.count)
  const { bytes } = await trainGenerator({
    ...{ pictures, options, engine, description },
    onProgress: (progress) => {
      if (hooks.signal?.aborted === true) throw interrupted()
      hooks.onProgress?.(progress)
    },
  })
  const hash = await keepBundle(bytes)
  await writeCached(index, hash)
  return { ...factsOf(bytes), hash, path: bundlePath(hash), isKept: false }
}

const interrupted = (): FederationError =>
  new FederationError('pretrain/interrupted', 'The training of the generator was interrupted')

/** In words: which data, which part of them. */
export function describeShare({ share: [from, to], limit, ...source }: SharedSource): string {
  const first = limit === undefined ? '' : `, of the first ${limit} rows`
  const percents = `${round(100 * from)}–${round(100 * to)} %`
  return `${publicSourceName(source)}, ${percents} of the shuffled training split${first}`
}
const round = (value: number): number => Math.round(value * 100) / 100

/** What `auto` measures with: about the work of a decoder. */
async function chosen(
  compute: ComputeConfig,
  { inputShape, classes }: Dataset,
  { onBackend }: GeneratorHooks,
): Promise<ComputeConfig> {
  const trial = {
    compute,
    task: { inputShape, classes },
    model: { name: 'lenet', kernelSize: 3, padding: 'same' },
    training: {
      ...{ localEpochs: 1, batchSize: 64 },
      optimizer: {
        ...{ name: 'adam', learningRate: 1e-3, momentum: 0, weightDecay: 0 },
        ...{ schedule: { name: 'constant' as const }, gradientClip: null },
      },
    },
  }
  return (await pinBackend(trial, onBackend)).compute
}

const factsOf = (bytes: Uint8Array): Pick<GeneratorFile, 'projection' | 'trainedOn'> => {
  const { projection, trainedOn } = generatorLabel(bytes)
  return { projection, trainedOn }
}

/** Null when nothing was kept, or when it was damaged since: then it is made again. */
async function keptUnder(index: string): Promise<GeneratorFile | null> {
  const hash = Buffer.from((await readCached(index)) ?? []).toString('utf8')
  const bytes = isHash(hash) ? await findBundle(hash) : null
  if (!isHash(hash) || bytes === null) return null
  return { ...factsOf(bytes), hash, path: bundlePath(hash), isKept: true }
}
