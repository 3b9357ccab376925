/**
 * Oracle: CCVR's upper bound. Clients send their features as they are, and the head is trained on these instead of virtual
 * ones. For comparisons in simulations only: features can be turned back into images to some degree.
 *
 * Paper: the real-feature baseline of M. Luo et al., "No Fear of Heterogeneity", NeurIPS 2021, https://arxiv.org/abs/2106.05001
 * Rule:  head ← SGD on the cross-entropy of head(extractor(x)) over all x of all clients, from the trained head
 * Symbols: extractor(x) = tensor `features` of group `features`
 * Costs: one extra round; up per client: d numbers and a label for each example.
 */
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'

const hyper = z.strictObject({
  epochs: z.int().min(1).max(10_000).default(20).describe('Passes over the real features'),
})

export const oracle: Calibration<z.infer<typeof hyper>> = {
  name: 'oracle',
  hyper,
  requires: () => [],
  server: () => {
    throw new FederationError('internal/bug', 'to come')
  },
  client: () => {
    throw new FederationError('internal/bug', 'to come')
  },
}
