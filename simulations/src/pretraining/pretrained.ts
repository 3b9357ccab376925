import { join } from 'node:path'
import { z } from 'zod'
import { decodeBundle } from '#protocol/bundle.js'
import { isHash, sha256, type Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import { VERSION } from '#protocol/version.js'
import { loadDataset, LOADERS } from '#data/index.js'
import { datasetHash } from '#data/dataset-hash.js'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { resolveCuda, resolveNative } from '#algorithms/tensor/provision/index.js'
import { relabelled } from '#algorithms/training/pretrain-labels.js'
import type { Pretrained } from '#algorithms/training/pretrain.js'
import { bundlePath, findBundle, keepBundle, readCached, writeCached } from '../bundle-cache.js'
import { cacheDirectory } from '../cache-directory.js'
import { pinBackend } from '../pin-backend.js'
import { pretrainInChild, type ChildHooks } from './pretrain-child.js'

export interface PretrainHooks extends ChildHooks {
  /** Told what was measured when the options leave the backend to `auto`. */
  readonly onBackend?: (choice: BackendChoice) => void
  /** Told before training, with the options as they are used; not called when the bundle was kept from before. */
  readonly onStart?: (options: PretrainOptions) => void
  /** Trains; for tests. Default: in a process of its own. */
  readonly train?: typeof pretrainInChild
}

/** A pre-trained bundle in the user's cache. */
export interface PretrainedFile {
  readonly hash: Hash
  readonly path: string
  readonly accuracy: Pretrained['accuracy']
  /** False: it was made now. */
  readonly isKept: boolean
}

/**
 * The bundle that these options make: out of the cache if it is there and whole, else trained now and kept. Throws what
 * loading the data, the backend and training throw, `pretrain/interrupted` and `store/io`.
 */
export async function pretrained(
  options: PretrainOptions,
  hooks: PretrainHooks = {},
): Promise<PretrainedFile> {
  const pinned = await withBackend(options, hooks)
  const index = join(cacheDirectory(), 'pretrained', await keyOf(pinned))
  const kept = await keptUnder(index)
  if (kept !== null) return kept
  hooks.onStart?.(pinned)
  const { train = pretrainInChild } = hooks
  const { bytes, accuracy } = await train(pinned, hooks)
  const hash = await keepBundle(bytes)
  await writeCached(index, hash)
  return { hash, path: bundlePath(hash), accuracy, isKept: false }
}

/** `auto` becomes the backend that is fastest here for this training. */
async function withBackend(
  options: PretrainOptions,
  { onBackend }: PretrainHooks,
): Promise<PretrainOptions> {
  const { compute, model, batchSize, optimizer } = options
  if (compute.backend !== 'auto') return options
  const dataset = await loadDataset({ ...options.data, split: 'train' })
  const { inputShape, classes } = relabelled(dataset, options.labels)
  const training = { localEpochs: 1, batchSize, optimizer }
  const trial = { compute, model, training, task: { inputShape, classes } }
  return { ...options, compute: (await pinBackend(trial, onBackend)).compute }
}

/** Changes with anything that can change the bytes: options, version, what computes, and the data where their name does not fix them. */
async function keyOf(options: PretrainOptions): Promise<Hash> {
  const isFixed = LOADERS.some(
    ({ name, reproducible }) => name === options.data.name && reproducible,
  )
  return sha256(
    canonicalJson({
      options,
      version: VERSION,
      libraries: [resolveNative(), resolveCuda()],
      data: isFixed ? null : datasetHash(await loadDataset({ ...options.data, split: 'train' })),
    }),
  )
}

const facts = z.looseObject({
  pretrained: z.looseObject({
    accuracy: z.strictObject({ train: z.number(), test: z.number().nullable() }),
  }),
})

/** Null when nothing was kept, or when it was damaged since: then it is made again. */
async function keptUnder(index: string): Promise<PretrainedFile | null> {
  const hash = Buffer.from((await readCached(index)) ?? []).toString('utf8')
  const bytes = isHash(hash) ? await findBundle(hash) : null
  const bundle = bytes === null ? null : decodeBundle(bytes)
  if (!isHash(hash) || bundle?.ok !== true) return null
  const { accuracy } = facts.parse(bundle.value.meta).pretrained
  return { hash, path: bundlePath(hash), accuracy, isKept: true }
}
