import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { assertFromRecords, type MatchTarget } from '#algorithms/audit/target/match-target.js'
import { distanceTo, type Distance } from './distance.js'
import { localUpdate } from './local-update.js'
import { transformed } from './transformation.js'

export type { Distance } from './distance.js'

/** What a solver minimises: how far an update of made-up records is from the observed one. It knows nothing of the true ones. */
export interface MatchingProblem {
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

/** The matching problem of a target. Throws `audit/not-from-records` for one that was not made from records. It does not dispose the target. */
export function createProblem(target: MatchTarget): MatchingProblem {
  assertFromRecords(target)
  const { rule, params, observed, settings } = target
  const distance = distanceTo(observed)
  const labels = tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d(target.labels, 'int32'), settings.model.classes), 'float32'),
  )
  const update = (x: Tensor, y: Tensor): readonly Tensor[] =>
    transformed(localUpdate(rule, params, { x, y }), target)
  return {
    target,
    labels,
    update,
    loss: (x, y, kind = 'cosine') => distance.from(update(x, y), kind),
    gradientsPerLoss: rule.steps,
    dispose() {
      distance.dispose()
      labels.dispose()
    },
  }
}
