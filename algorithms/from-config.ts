import { notAudited } from '#protocol/audit-settings.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { Aggregator } from '#algorithms/aggregators/aggregator.js'
import { meanGridOf } from '#algorithms/aggregators/grid.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import type { Method, MethodSetup, ServerSetup } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import type { ServerOptimizer } from '#algorithms/server-optimizers/server-optimizer.js'
import { buildClientOptimizer } from '#algorithms/training/client-optimizer.js'
import { reasonsAgainstTransforms } from '#algorithms/update-transforms/reasons.js'
import type { ConfiguredTransform } from '#algorithms/update-transforms/update-transform.js'
import { parsePartition } from '#data/index.js'
import { CATALOGUE } from './catalogue.js'
import type { Catalogue } from './catalogue.js'
import type { Sampler } from './catalogue-entry.js'
import { modelFrom, named, optionsOf } from './catalogue-lookup.js'

/** The model that a configuration names. Throws `model/does-not-fit` when the task's shape cannot enter it. */
export const modelOf = (
  { model, task }: Pick<RunConfig, 'model' | 'task'>,
  catalogue: Catalogue = CATALOGUE,
): Model => modelFrom(catalogue.models, model, task)

export const methodOf = (config: RunConfig, catalogue: Catalogue = CATALOGUE): Method =>
  named(catalogue.methods, config.method.name, 'method')

/** The calibration that a configuration names; null where it names none. */
export function calibrationOf(
  { calibration }: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): Calibration | null {
  return calibration === undefined
    ? null
    : named(catalogue.calibrations, calibration.name, 'calibration')
}

/** What both halves of the run's calibration are built from; null where there is none. */
export function calibrationSetup(
  config: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): MethodSetup | null {
  const entry = calibrationOf(config, catalogue)
  if (entry === null || config.calibration === undefined) return null
  const { when: _when, ...options } = config.calibration
  return { ...methodSetup(config, catalogue), hyper: entry.hyper.parse(optionsOf(options)) }
}

/** The update transforms of a run with their options, in order; empty where it has none. */
export const updateTransformsOf = (
  { updates = [] }: Pick<RunConfig, 'updates'>,
  catalogue: Catalogue = CATALOGUE,
): readonly ConfiguredTransform[] =>
  updates.map((choice) => {
    const transform = named(catalogue.updateTransforms, choice.name, 'update transform')
    return { transform, options: transform.options.parse(optionsOf(choice)) }
  })

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
  const method = methodOf(config, catalogue)
  const reasons = [
    ...method.requires(config, model, config.task),
    ...calibrationReasons(config, catalogue),
    ...emptyRoundReasons(config, method),
    ...transformReasons(config, catalogue),
    ...(config.audit === undefined ? [] : notAudited(config)),
    ...(config.evaluation.central !== null && method.personal === true && method.releases === 'own'
      ? [
          `evaluation.central scores a model that the coordinator has, and clients of ${method.name} predict with their own; set evaluation.federated, and leave evaluation.central out`,
        ]
      : []),
    ...(config.evaluation.diagnostics === undefined || method.releases === 'model'
      ? []
      : [
          `evaluation.diagnostics compares full models of the run, and ${method.name} trains something else; leave it out`,
        ]),
  ]
  if (reasons.length > 0) throw new FederationError('config/impossible', reasons.join('. '))
}

function transformReasons(config: RunConfig, catalogue: Catalogue): readonly string[] {
  if (config.updates === undefined) return []
  return reasonsAgainstTransforms({
    config,
    transforms: updateTransformsOf(config, catalogue),
    uncovered: methodOf(config, catalogue).uncovered?.(methodSetup(config, catalogue)) ?? null,
    calibration: calibrationOf(config, catalogue),
  })
}

/** Also for clients, which do not take a coordinator's word for it. Throws `config/impossible` with every reason. */
export function assertCovered(config: RunConfig, catalogue: Catalogue = CATALOGUE): void {
  const reasons = transformReasons(config, catalogue)
  if (reasons.length > 0) throw new FederationError('config/impossible', reasons.join('. '))
}

function emptyRoundReasons(
  { cohort, calibration }: RunConfig,
  { name, closesEmpty }: Method,
): readonly string[] {
  if (cohort.minReporters > 0) return []
  if (closesEmpty !== true)
    return [
      `cohort.minReporters 0 closes rounds that nobody answered, of which ${name} would have nothing to average; set it to 1 or more`,
    ]
  return calibration === undefined
    ? []
    : ['cohort.minReporters 0 leaves a calibration with nothing to go by; set it to 1 or more']
}

function calibrationReasons(config: RunConfig, catalogue: Catalogue): readonly string[] {
  const [entry, setup] = [calibrationOf(config, catalogue), calibrationSetup(config, catalogue)]
  if (entry === null || setup === null) return []
  const method = methodOf(config, catalogue)
  const { releases, name, personal } = method
  if (personal === true) {
    return [
      `The calibration ${entry.name} corrects a model that all clients share, and clients of ${name} predict with their own; leave it out`,
    ]
  }
  if (releases !== 'model') {
    return [
      `The calibration ${entry.name} needs an extractor and a head that all clients share, and ${name} releases neither; use a method that releases a model`,
    ]
  }
  const goesOn = config.calibration?.when === 'every-round'
  return [
    ...(goesOn && method.server(serverSetup(config, catalogue)).adopt === undefined
      ? [
          `${name} cannot go on from a calibrated model; set calibration.when to final or every-eval`,
        ]
      : []),
    ...entry.requires(config, setup.model, setup.hyper),
  ]
}
