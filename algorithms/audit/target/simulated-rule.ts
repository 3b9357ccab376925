import type { RunConfig } from '#protocol/run-config.js'
import type { LocalRule } from '#algorithms/audit/matching/local-update.js'
import { methodOf, methodSetup } from '#algorithms/from-config.js'
import { normalizerOf } from '#algorithms/methods/fednova/normalizer.js'
import type { PlainTraining } from '#algorithms/methods/method.js'
import { learningRateAt } from '#algorithms/training/schedule.js'
import type { Approximation } from './auditable.js'
import { AUDITED_ROUND } from './client-update.js'

const plainTrainingOf = (config: RunConfig): PlainTraining =>
  methodOf(config).plainTraining?.(methodSetup(config)) ?? {}

const learningRateOf = ({ training, rounds }: RunConfig): number =>
  learningRateAt(training.optimizer, { round: AUDITED_ROUND, rounds })

/** How far gradients of 1 in every step would move a param: η K for plain SGD, further with momentum. */
const movementOf = (config: RunConfig, steps: number): number => {
  const { momentum } = config.training.optimizer
  return learningRateOf(config) * normalizerOf({ steps, momentum, proximalRate: 0 })
}

/** The length of an update as one gradient, by that of what the client sent. */
export const perUnitOf = (config: RunConfig, localSteps: number): number =>
  (plainTrainingOf(config).divisor?.(localSteps) ?? 1) / movementOf(config, localSteps)

/** What an attacker computes in place of the client, for records of its own. */
export function ruleOf(
  config: RunConfig,
  {
    localSteps,
    approximation,
  }: { readonly localSteps: number; readonly approximation: Approximation },
): LocalRule {
  const steps = approximation === 'unrolled' ? localSteps : 1
  const { model } = methodSetup(config)
  return {
    ...{ model, steps, scale: movementOf(config, steps) },
    optimizer: config.training.optimizer,
    learningRate: learningRateOf(config),
    training: plainTrainingOf(config),
  }
}
