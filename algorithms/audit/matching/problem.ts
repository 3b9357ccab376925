import { FederationError } from '#protocol/errors.js'
import { oneHot } from '#algorithms/tensor/one-hot.js'
import { type tf, type Tensor } from '#algorithms/tensor/tf.js'
import { assertFromRecords, type MatchTarget } from '#algorithms/audit/target/match-target.js'
import { distanceTo, type Distance } from './distance.js'
import { localUpdate } from './local-update.js'
import { transformed } from './transformation.js'

export type { Distance } from './distance.js'

declare const ofTarget: unique symbol

/**
 * What a solver minimises: how far an update of made-up records is from the observed one. It knows nothing of the true ones.
 * Only `createProblem` makes one, of a target that was made from records; in types by a key that nobody else can name, at run
 * time by a set that nobody else can reach.
 */
export interface MatchingProblem {
  readonly [ofTarget]: true
  readonly target: MatchTarget
  /** One-hot labels of the slots, ascending (gifd specification §4.5): [batch, classes]. */
  readonly labels: Tensor
  /**
   * D(T(U(x, y)), g), without regularisers, exact at second order. x: [batch, height, width, channels] in [0, 1]; y: one-hot or
   * soft labels [batch, classes]. Call inside tf.tidy.
   */
  loss(x: Tensor, y: Tensor, distance?: Distance): tf.Scalar
  /**
   * T(U(x, y)): the update that these records would have made, as the observer would see it; in units of `target.observed`.
   * Differentiable. Call inside tf.tidy.
   */
  update(x: Tensor, y: Tensor): readonly Tensor[]
  /** Gradients of the client's model one call of `loss` computes: local steps. */
  readonly gradientsPerLoss: number
  dispose(): void
}

const made = new WeakSet<object>()

/** Throws `audit/not-from-records` for anything that `createProblem` did not make, copies of problems included. */
export function assertMatching(problem: MatchingProblem): void {
  if (made.has(problem)) return
  throw new FederationError(
    'audit/not-from-records',
    'This matching problem was not made from records, and attacks are tried on nothing else',
  )
}

/**
 * The matching problem of a target. Throws `audit/not-from-records` for one that was not made from records. It disposes the
 * target only where it owns it.
 */
export function createProblem(
  target: MatchTarget,
  { ownsTarget = false }: { readonly ownsTarget?: boolean } = {},
): MatchingProblem {
  assertFromRecords(target)
  const { rule, params, observed, settings } = target
  const distance = distanceTo(observed)
  const labels = oneHot(target.labels, settings.model.classes)
  const update = (x: Tensor, y: Tensor): readonly Tensor[] =>
    transformed(localUpdate(rule, params, { x, y }), target)
  const parts: Omit<MatchingProblem, typeof ofTarget> = {
    ...{ target, labels, update, gradientsPerLoss: rule.steps },
    loss: (x, y, kind = 'cosine') => distance.from(update(x, y), kind),
    dispose() {
      distance.dispose()
      labels.dispose()
      if (ownsTarget) target.dispose()
    },
  }
  const problem = Object.freeze(parts) as MatchingProblem
  made.add(problem)
  return problem
}
