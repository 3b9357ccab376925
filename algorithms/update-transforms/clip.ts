/**
 * Clip: an update that is longer than a bound is shortened to it, so that no client moves the model further than that, and so
 * that noise of a known size hides any of them. It hides nothing by itself: the direction stays as it was.
 *
 * Paper: H. B. McMahan, D. Ramage, K. Talwar, L. Zhang, "Learning Differentially Private Recurrent Language Models", ICLR 2018,
 *   https://arxiv.org/abs/1710.06963 (flat clipping)
 * Rule:  Δ ← Δ · min(1, S / (‖Δ‖₂ + 1e-6)), one norm over all tensors
 * Symbols: S = `norm`, Δ = `parts`
 * Costs: two passes over the update; no bytes.
 */
import { z } from 'zod'
import { normOf } from './norm.js'
import type { UpdateTransform } from './update-transform.js'

const options = z.strictObject({
  norm: z
    .number()
    .positive()
    .default(1)
    .describe("Largest L2 norm of a client's whole update; longer ones are scaled down to it"),
})

/** As gifd specification §11 has it; keeps the factor finite for an update of zeros. */
const EPSILON = 1e-6

export const clip: UpdateTransform<z.output<typeof options>> = {
  name: 'clip',
  options,
  apply(parts, { norm }) {
    const factor = Math.min(1, norm / (normOf(parts) + EPSILON))
    return parts.map((part) => part.map((value) => value * factor))
  },
  largestNorm: (before, { norm }) => Math.min(before, norm),
  describe: ({ norm }) => `clipped to an L2 norm of ${norm}`,
}
