/** What a run publishes: a bundle that says for itself which model and task it is for, and how to predict with it. */
import { z } from 'zod'
import { decodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { isHash, type Hash } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type TaskConfig } from '#protocol/run-config.js'
import { paramsPredictor } from '#algorithms/evaluation/evaluate.js'
import type { PredictorHandle, Released } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { configCatalogue } from './catalogue.js'
import { methodOf, methodSetup, modelOf } from './from-config.js'

const choice = z.looseObject({ name: z.string() })
const labelSchema = z.looseObject({
  model: choice,
  task: z.strictObject({ inputShape: z.array(z.int().positive()), classes: z.array(z.string()) }),
  /** Only where the bundle is no full set of params: the method whose client half predicts with it. */
  method: choice.optional(),
  seed: z.int().min(0).optional(),
  startFrom: z.string().refine(isHash).optional(),
  assets: z.record(z.string(), z.string().refine(isHash)).optional(),
})
type Label = z.output<typeof labelSchema>

/** Params that say which model and task they are for, so that the file alone can be inspected, scored and used. */
export function labelParams(
  params: Bundle,
  { model, task }: Pick<RunConfig, 'model' | 'task'>,
): Bundle {
  return { ...params, meta: { ...params.meta, model, task: { ...task } } }
}

/** The same for whatever a method releases: what is no full set of params names its method and the assets it needs. */
export function labelReleased({ bundle, assets, predicts }: Released, config: RunConfig): Bundle {
  const labelled = labelParams(bundle, config)
  if (predicts) return labelled
  const { method, seed, startFrom } = config
  const start = startFrom === null ? {} : { startFrom }
  return { ...labelled, meta: { ...labelled.meta, method, seed, ...start, assets: { ...assets } } }
}

export interface ModelFile {
  readonly model: Model
  readonly task: TaskConfig
  readonly bundle: Bundle
  /** The method whose client half predicts with it; null: it is a full set of params. */
  readonly method: string | null
  /** Bundles that are needed beside it, by name. */
  readonly assets: Readonly<Record<string, Hash>>
  readonly label: Label
}

/** Reads what a run exported. Throws `model/unreadable` for other bytes. */
export function readModelFile(bytes: Uint8Array): ModelFile {
  const bundle = decodeBundle(bytes)
  if (!bundle.ok) {
    throw new FederationError('model/unreadable', bundle.error.message, { cause: bundle.error })
  }
  const parsed = labelSchema.safeParse(bundle.value.meta)
  if (!parsed.success) {
    throw new FederationError(
      'model/unreadable',
      'The bundle does not say which model and task it is for',
    )
  }
  const label = parsed.data
  const model = modelOf({ model: label.model as unknown as RunConfig['model'], task: label.task })
  const assets = (label.assets ?? {}) as Readonly<Record<string, Hash>>
  return {
    ...{ model, task: label.task, bundle: bundle.value, assets, label },
    method: label.method?.name ?? null,
  }
}

/** Everything that a method needs to use what it released. Throws `config/…` where this version does not know it. */
export function setupIn({ label }: ModelFile) {
  const { model, task, method, seed = 0, startFrom = null } = label
  const input = { model, task, method: method ?? { name: 'fedavg' }, seed, startFrom }
  const config = unwrap(parseRunConfig(input as unknown as JsonObject, configCatalogue()))
  return { config, setup: methodSetup(config), method: methodOf(config) }
}

/** False where clients predict with models of their own, and the file is what they share: nobody predicts with that. */
export const predictsByItself = (file: ModelFile): boolean =>
  file.method === null || setupIn(file).method.personal !== true

/**
 * Predicts with a file: one logit per class. `assets` are the bundles that it needs beside it, by name. Throws
 * `model/unreadable` when the file cannot predict by itself, as where each client has a model of its own.
 */
export function openPredictor(
  file: ModelFile,
  assets: Readonly<Record<string, Bundle>>,
): PredictorHandle {
  if (file.method === null) return paramsPredictor(file.model, file.bundle)
  if (!predictsByItself(file)) {
    throw new FederationError(
      'model/unreadable',
      `Clients of ${file.method} predict with models of their own, and this file is what they share; a node writes its own with client export, a simulation with --personal-models`,
    )
  }
  const { setup, method } = setupIn(file)
  const predictor = method.client(setup).predictor({ shared: file.bundle, assets, memory: null })
  if (predictor !== null) return predictor
  throw new FederationError('model/unreadable', `What ${file.method} releases does not predict`)
}
