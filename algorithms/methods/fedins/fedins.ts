/**
 * FedIns: a pool of scale-and-shift adapters with keys and heads over a frozen backbone. Each input chooses the entries whose
 * keys are nearest to its feature under the bare backbone, and is classified by their mean; clients train the pool, the
 * coordinator averages it entry by entry.
 *
 * Paper: C.-M. Feng, K. Yu, N. Liu, X. Xu, S. Khan, W. Zuo, "Towards Instance-adaptive Inference for Federated Learning",
 *   ICCV 2023, https://arxiv.org/abs/2308.06051; SSF: D. Lian et al., NeurIPS 2022, https://arxiv.org/abs/2210.08823
 * Rule:  q = f(x; 1, 0);  T = the k keys with the largest cos(q, K_m);  s = mean Γ_T, t = mean Β_T at every site
 *        logits = mean over T of W_m f(x; s, t) + c_m;  loss = (1 − λ) CE + λ (1 − Σ_T cos(q, K_m))
 *        server: Θ_m ← Θ_m + mean over clients of Δ_m, for Θ in {Γ, Β, K, W, c}
 * Symbols: M = `poolSize`, k = `topK`, λ = `keyWeight`, Γ/Β = `scale/<site>`/`shift/<site>`, K = `keys`, W/c = `head/…`
 * Costs: 4 M (2 Σ channels + D + C D + C) bytes each way per client and round, and the backbone once; two forward passes per
 *   prediction; on a node one query of D floats per example, kept in memory.
 */
import { parseShift } from '#data/index.js'
import type { Method } from '#algorithms/methods/method.js'
import { fedinsClient } from './client.js'
import { hyper, type FedInsHyper } from './hyper.js'
import { fedinsServer } from './server.js'

export const fedins: Method<FedInsHyper> = {
  name: 'fedins',
  hyper,
  releases: 'own',
  deltas: ['pool'],
  requires({ startFrom, method, data, model }) {
    const { topK, poolSize, routing, keyInit, queryCentering, weighting, backbone } = hyper.parse(
      optionsOf(method),
    )
    const isKeyed = routing === 'keys' && poolSize > 1
    return [
      model['head'] === 'normalized' &&
        'fedins has heads of its own, with a bias and as long as they become: leave out model.head',
      topK > poolSize && `method.topK ${topK} is more than method.poolSize ${poolSize}`,
      backbone === 'startFrom' &&
        startFrom === null &&
        'fedins adapts a frozen pre-trained backbone: name its bundle in startFrom (`models pretrain` makes one), or set method.backbone to random',
      routing === 'oracle' &&
        topK !== 1 &&
        'method.routing oracle takes one entry: set method.topK 1',
      routing === 'oracle' && data !== null && oracleProblem(data.shift, poolSize),
      keyInit === 'kmeans' &&
        !isKeyed &&
        'method.keyInit kmeans needs a pool that is routed by keys',
      keyInit === 'kmeans' &&
        backbone === 'random' &&
        'method.keyInit kmeans takes the centroids of pre-training: method.backbone must be startFrom',
      keyInit === 'kmeans' &&
        queryCentering &&
        'method.keyInit kmeans has centroids of queries that are not centred: drop method.queryCentering',
      queryCentering && !isKeyed && 'method.queryCentering needs a pool that is routed by keys',
      weighting === 'usage' && poolSize === 1 && 'method.weighting usage needs more than one entry',
    ].filter((reason) => reason !== false)
  },
  server: fedinsServer,
  client: fedinsClient,
}

const optionsOf = ({ name: _name, ...options }: { readonly name: string }): object => options

/** Nodes know their domains themselves; of simulated clients the configuration knows them. */
function oracleProblem(shift: string | undefined, poolSize: number): string | false {
  const domains = shift === undefined ? 0 : parseShift(shift).domains.length
  if (domains === 0) return 'method.routing oracle needs domains: set data.shift'
  return (
    domains > poolSize &&
    `method.routing oracle needs an entry for each of the ${domains} domains of data.shift, method.poolSize is ${poolSize}`
  )
}
