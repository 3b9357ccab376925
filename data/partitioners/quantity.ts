import { everyIndex } from '#data/dataset.js'
import { drawUntilAtLeast } from './at-least.js'
import { cutInProportion } from './cut.js'
import { dirichletProportions } from './gamma.js'
import type { Partitioner } from './partitioner.js'

/**
 * Quantity skew: labels are spread alike, sizes are not. All rows are shuffled and cut in proportions drawn from a symmetric
 * Dirichlet(beta) over the clients. Q. Li et al., "Federated learning on non-IID data silos", ICDE 2022,
 * https://arxiv.org/abs/2102.02079. Drawn again, then repaired, until every client has `min` rows (default 1).
 * Symbols: beta = `parameter`.
 */
export const quantity: Partitioner = {
  name: 'quantity',
  usage: 'quantity:BETA[:min=N][:seed=N]',
  summary: 'size skew: small beta, very different sizes',
  parameter: { label: 'BETA', above: 0, max: 1e6, whole: false },
  takesMin: true,
  split: ({ labels, clients, parameter: beta, min, stream }) =>
    drawUntilAtLeast(min, (attempt) => {
      const shuffled = stream(attempt, 0).shuffle(everyIndex(labels.length))
      return cutInProportion(shuffled, dirichletProportions(stream(attempt, 1), beta, clients))
    }),
}
