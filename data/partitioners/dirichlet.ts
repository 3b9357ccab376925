import type { Stream } from '#protocol/random.js'
import { drawUntilAtLeast } from './at-least.js'
import { rowsByClass } from './by-class.js'
import { concat, cutInProportion } from './cut.js'
import { dirichletProportions } from './gamma.js'
import type { Partitioner } from './partitioner.js'

/** Deals one class out: a Dirichlet draw says which share of it each client gets. */
function deal(
  rows: Int32Array,
  stream: Stream,
  { alpha, clients }: { alpha: number; clients: number },
): Int32Array[] {
  const shuffled = stream.shuffle(rows.slice())
  return cutInProportion(shuffled, dirichletProportions(stream, alpha, clients))
}

/**
 * Label skew: for each class, proportions over the clients are drawn from a symmetric Dirichlet(alpha), and the class's
 * shuffled rows are cut in these proportions. Small alpha: a client holds few classes; large alpha: near IID. The rule of
 * M. Yurochkin et al., "Bayesian nonparametric federated learning of neural networks", ICML 2019,
 * https://arxiv.org/abs/1905.12022, as used by Q. Li et al., "Federated learning on non-IID data silos", ICDE 2022,
 * https://arxiv.org/abs/2102.02079. Like theirs it draws again until every client has `min` rows (default 1); see
 * `drawUntilAtLeast` for what happens when that does not come about.
 * Symbols: alpha = `parameter`, p_k ~ Dir(alpha) = `dirichletProportions`.
 */
export const dirichlet: Partitioner = {
  name: 'dirichlet',
  usage: 'dirichlet:ALPHA[:min=N][:seed=N]',
  summary: 'label skew: small alpha, few classes a client',
  parameter: { label: 'ALPHA', above: 0, max: 1e6, whole: false },
  takesMin: true,
  split: ({ labels, classes, clients, parameter: alpha, min, stream }) => {
    const byClass = rowsByClass(labels, classes)
    return drawUntilAtLeast(min, (attempt) => {
      const dealt = byClass.map((rows, label) =>
        deal(rows, stream(attempt, label), { alpha, clients }),
      )
      return Array.from({ length: clients }, (_, client) =>
        concat(dealt.map((pieces) => pieces[client]!)),
      )
    })
  },
}
