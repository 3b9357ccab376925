import type { z } from 'zod'
import type { TaskConfig } from '#protocol/run-config.js'
import type { Slot } from '#protocol/ids.js'
import type { Model } from '#algorithms/models/model.js'
import type { ServerOptimizer } from '#algorithms/server-optimizers/server-optimizer.js'
import type { Stream } from '#algorithms/tensor/stream.js'

/** A model of the zoo. `build` throws `model/does-not-fit` when the task's shape cannot enter it. */
export interface ModelEntry<Options = unknown> {
  readonly name: string
  readonly options: z.ZodType<Options>
  build(task: TaskConfig, options: Options): Model
}
export interface ServerOptimizerEntry<Options = unknown> {
  readonly name: string
  readonly options: z.ZodType<Options>
  build(options: Options): ServerOptimizer
}
/** Chooses a cohort of `size` among `available` (ascending slots). Returns ascending slots. */
export interface Sampler {
  readonly name: string
  sample(available: readonly Slot[], size: number, stream: Stream): readonly Slot[]
}
