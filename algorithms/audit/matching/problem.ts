import type { tf, Tensor } from '#algorithms/tensor/tf.js'
import type { MatchTarget } from '#algorithms/audit/target/match-target.js'

export type Distance = 'cosine' | 'l2'

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
  /** Gradients of the client's model one call of `loss` computes: local steps. */
  readonly gradientsPerLoss: number
  dispose(): void
}
