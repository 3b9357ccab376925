import { z } from 'zod'
import { decodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig, TaskConfig } from '#protocol/run-config.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf } from '#algorithms/models/params.js'
import { modelOf } from './from-config.js'

const labelSchema = z.looseObject({
  model: z.looseObject({ name: z.string() }),
  task: z.strictObject({ inputShape: z.array(z.int().positive()), classes: z.array(z.string()) }),
})

/** Params that say which model and task they are for, so that the file alone can be inspected, scored and used. */
export function labelParams(
  params: Bundle,
  { model, task }: Pick<RunConfig, 'model' | 'task'>,
): Bundle {
  return { ...params, meta: { ...params.meta, model, task: { ...task } } }
}

export interface ModelFile {
  readonly model: Model
  readonly params: Float32Array
  readonly task: TaskConfig
}

/** Reads what a run exported. Throws `model/unreadable` for other bytes, `model/does-not-fit` for params of another model. */
export function readModelFile(bytes: Uint8Array): ModelFile {
  const bundle = decodeBundle(bytes)
  if (!bundle.ok) {
    throw new FederationError('model/unreadable', bundle.error.message, { cause: bundle.error })
  }
  const label = labelSchema.safeParse(bundle.value.meta)
  if (!label.success) {
    throw new FederationError(
      'model/unreadable',
      'The bundle does not say which model and task it is for',
    )
  }
  const { model: choice, task } = label.data
  const model = modelOf({ model: choice as unknown as RunConfig['model'], task })
  return { model, params: paramsOf(model, bundle.value), task }
}
