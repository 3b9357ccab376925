import type { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import type { OptimizerConfig } from '#protocol/run-config.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { adam } from './adam.js'
import { sgd } from './sgd.js'

export interface StepInput {
  readonly params: readonly Tensor[]
  /** Of the same shapes as `params`; clipped and with weight decay already added. */
  readonly gradients: readonly Tensor[]
  /** What the step before returned, at first the result of `init`. */
  readonly state: readonly Tensor[]
  readonly learningRate: number
  /** 1 for the first step of a local training. */
  readonly step: number
}
export interface StepOutput {
  readonly params: Tensor[]
  readonly state: Tensor[]
}

/** Turns gradients into new params. Pure: disposes nothing, changes nothing; call inside tf.tidy. State lives for one local training. */
export interface ClientOptimizer {
  readonly name: string
  init(params: readonly Tensor[]): Tensor[]
  step(input: StepInput): StepOutput
}

/** One optimizer of the list. `options`: what `training.optimizer` may hold for it beside the common keys. */
export interface ClientOptimizerEntry<Options = unknown> {
  readonly name: string
  readonly options: z.ZodType<Options>
  /** Steps are linear in the gradients and do not depend on where the params are: audits can simulate and invert them. */
  readonly isLinear?: true
  /** Throws `config/impossible` when a common key means nothing to this optimizer. */
  build(config: OptimizerConfig, options: Options): ClientOptimizer
}

export const CLIENT_OPTIMIZERS: readonly ClientOptimizerEntry[] = [sgd, adam]

/** Adam as its authors give it, with nothing added: for what this project trains for itself. */
export const plainAdam = (learningRate: number): OptimizerConfig => ({
  ...{ name: 'adam', learningRate, momentum: 0, weightDecay: 0 },
  ...{ schedule: { name: 'constant' }, gradientClip: null },
})

/** The optimizer that a configuration names. */
export function buildClientOptimizer(config: OptimizerConfig): ClientOptimizer {
  const {
    name,
    learningRate: _rate,
    momentum: _m,
    weightDecay: _w,
    decay: _d,
    schedule: _s,
    gradientClip: _g,
    ...own
  } = config
  const entry = CLIENT_OPTIMIZERS.find((one) => one.name === name)
  if (entry === undefined) {
    const names = CLIENT_OPTIMIZERS.map((one) => one.name).join(', ')
    throw new FederationError(
      'config/unknown-name',
      `Unknown client optimizer ${name}; there are ${names}`,
    )
  }
  return entry.build(config, entry.options.parse(own))
}
