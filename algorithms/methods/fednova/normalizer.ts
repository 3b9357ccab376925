export interface LocalRule {
  readonly steps: number
  /** Heavy-ball momentum in [0, 1). */
  readonly momentum: number
  /** Client learning rate times the proximal mu; below 1. */
  readonly proximalRate: number
}

/**
 * ‖a‖₁ of FedNova: how much a client's displacement weighs the gradients of its steps, w_0 − w = η Σ_s a_s g_s.
 * The displacement is linear in the gradients and all a_s are ≥ 0, so their sum is the displacement, in units of η, that
 * gradients of 1 would make. Plain SGD: the number of steps. Momentum and the proximal pull as in section 3 of the paper.
 */
export function normalizerOf({ steps, momentum, proximalRate }: LocalRule): number {
  let displacement = 0
  let velocity = 0
  for (let step = 0; step < steps; step++) {
    velocity = momentum * velocity + 1 - proximalRate * displacement
    displacement += velocity
  }
  return displacement
}
