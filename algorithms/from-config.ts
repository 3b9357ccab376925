import { FederationError } from '#protocol/errors.js'
import type { Choice, RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { Aggregator } from '#algorithms/aggregators/aggregator.js'
import { meanGridOf } from '#algorithms/aggregators/grid.js'
import type { Method, MethodSetup, ServerSetup } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import type { ServerOptimizer } from '#algorithms/server-optimizers/server-optimizer.js'
import { buildClientOptimizer } from '#algorithms/training/client-optimizer.js'
import { parsePartition } from '#data/index.js'
import { CATALOGUE } from './catalogue.js'
import type { Catalogue } from './catalogue.js'
import type { Sampler } from './catalogue-entry.js'

function named<T extends { readonly name: string }>(
  entries: readonly T[],
  name: string,
  kind: string,
): T {
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) {
    const names = entries.map((one) => one.name).join(', ')
    throw new FederationError('config/unknown-name', `Unknown ${kind} ${name}; there are ${names}`)
  }
  return entry
}

function optionsOf({ name: _name, ...options }: Choice): object {
  return options
}

/** The model that a configuration names. Throws `model/does-not-fit` when the task's shape cannot enter it. */
export function modelOf(
  config: Pick<RunConfig, 'model' | 'task'>,
  catalogue: Catalogue = CATALOGUE,
): Model {
  const entry = named(catalogue.models, config.model.name, 'model')
  try {
    return entry.build(config.task, entry.options.parse(optionsOf(config.model)))
  } catch (cause) {
    if (!(cause instanceof FederationError) || cause.code !== 'model/does-not-fit') throw cause
    const message = `Model ${entry.name} does not fit the task: ${cause.message}`
    throw new FederationError(cause.code, message, { cause })
  }
}

export const methodOf = (config: RunConfig, catalogue: Catalogue = CATALOGUE): Method =>
  named(catalogue.methods, config.method.name, 'method')

export const samplerOf = (config: RunConfig, catalogue: Catalogue = CATALOGUE): Sampler =>
  named(catalogue.samplers, config.cohort.sampler, 'sampler')

export const aggregatorOf = (config: RunConfig, catalogue: Catalogue = CATALOGUE): Aggregator =>
  named(catalogue.aggregators, config.aggregation.rule, 'aggregation rule')

function serverOptimizerOf({ aggregation }: RunConfig, catalogue: Catalogue): ServerOptimizer {
  const entry = named(
    catalogue.serverOptimizers,
    aggregation.serverOptimizer.name,
    'server optimizer',
  )
  return entry.build(entry.options.parse(optionsOf(aggregation.serverOptimizer)))
}

/** What the client half of the run's method is built from. */
export function methodSetup(config: RunConfig, catalogue: Catalogue = CATALOGUE): MethodSetup {
  return {
    config,
    hyper: methodOf(config, catalogue).hyper.parse(optionsOf(config.method)),
    model: modelOf(config, catalogue),
    streams: createStreams(config.seed),
  }
}

/** What the server half of the run's method is built from. Throws `config/impossible` when no grid is wide enough. */
export const serverSetup = (config: RunConfig, catalogue: Catalogue = CATALOGUE): ServerSetup => ({
  ...methodSetup(config, catalogue),
  serverOptimizer: serverOptimizerOf(config, catalogue),
  meanGrid: meanGridOf(config),
})

/**
 * Throws when a well-formed configuration cannot run: `model/does-not-fit`, `data/bad-partition`, or `config/impossible`
 * with every reason.
 * To be called before a run is created.
 */
export function assertPossible(config: RunConfig, catalogue: Catalogue = CATALOGUE): void {
  const { model } = serverSetup(config, catalogue)
  buildClientOptimizer(config.training.optimizer)
  if (config.data !== null) parsePartition(config.data.partition)
  const reasons = methodOf(config, catalogue).requires(config, model, config.task)
  if (reasons.length > 0) throw new FederationError('config/impossible', reasons.join('. '))
}
