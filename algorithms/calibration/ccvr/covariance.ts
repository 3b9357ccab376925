/** Covariances of the classes from merged statistics (ccvr specification §4, §4.1). */
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'
import type { GatheredStatistics } from './gathered.js'
import type { CcvrHyper } from './hyper.js'
import type { ClassMoments, ClassStatistics, GlobalClass, ScatterShape } from './moments.js'

type Options = Pick<CcvrHyper, 'covMode' | 'shrinkKappa' | 'meansOnlyFloor'>
type Gathered = Pick<GatheredStatistics, 'statistics' | 'clientsByClass' | 'betweenByClass'>

/** One entry for each label in order, also for those that nobody holds. */
export function globalClasses(gathered: Gathered, hyper: Options): readonly GlobalClass[] {
  const { statistics, clientsByClass, betweenByClass } = gathered
  const { classes, d, byClass } = statistics
  const covarianceOf = covariances(gathered, hyper)
  return Array.from({ length: classes }, (_, label): GlobalClass => {
    const moments = byClass.get(label)
    if (moments === undefined) {
      const clients = clientsByClass.size === 0 ? null : 0
      const nothing = { n: 0, covariance: null, betweenClients: null, mean: new Float64Array(d) }
      return { label, clients, ...nothing, status: 'missing' }
    }
    return {
      ...{ label, n: moments.n, mean: moments.mean },
      clients: clientsByClass.get(label) ?? null,
      covariance: covarianceOf(label, moments),
      status: statusOf(moments, d),
      betweenClients: betweenByClass.get(label) ?? null,
    }
  })
}

const statusOf = ({ n }: ClassMoments, d: number): 'ok' | 'single' | 'low-rank' => {
  if (n < 2) return 'single'
  return n <= d ? 'low-rank' : 'ok'
}

/** The unbiased covariance of a class that occurs, packed lower triangle. */
function covariances(
  { statistics, clientsByClass }: Gathered,
  { covMode, shrinkKappa, meansOnlyFloor }: Options,
): (label: number, moments: ClassMoments) => Float64Array {
  const { d, shape } = statistics
  if (covMode === 'none') {
    const zeros = new Float64Array(triangle(d))
    return () => zeros
  }
  if (covMode === 'means-only') {
    return (label, { scatter }) =>
      betweenMeans(scatter, d, { clients: clientsByClass.get(label) ?? 1, floor: meansOnlyFloor })
  }
  // Made once, and only where a class needs it.
  let pooled: Float64Array | null = null
  return (_label, moments) => {
    const status = statusOf(moments, d)
    const own = status === 'single' ? null : scaled(moments.scatter, 1 / (moments.n - 1))
    if (own !== null && (status === 'ok' || shrinkKappa === 0)) return packed(own, d, shape)
    pooled ??= pooledCovariance(statistics)
    if (own === null) return packed(pooled.slice(), d, shape)
    return packed(mixed(own, pooled, shrinkKappa / (shrinkKappa + moments.n - 1)), d, shape)
  }
}

/**
 * Σ_W = Σ S_c / Σ (N_c − 1) over the classes of two or more examples: the mean covariance within classes, in the shape of the
 * scatters. Zeros where there are no such classes.
 */
export function pooledCovariance({ byClass }: Pick<ClassStatistics, 'byClass'>): Float64Array {
  const several = [...byClass.values()].filter(({ n }) => n >= 2)
  const [any] = byClass.values()
  const sum = new Float64Array(any?.scatter.length ?? 0)
  for (const { scatter } of several) {
    for (let at = 0; at < sum.length; at++) sum[at]! += scatter[at]!
  }
  const degrees = several.reduce((total, { n }) => total + n - 1, 0)
  return degrees === 0 ? sum : scaled(sum, 1 / degrees)
}

/**
 * Σ̂ = 1/(K − 1) Σ_k n_k (μ_k − μ)(μ_k − μ)ᵀ + γ I from the means of K clients alone; γ I for one client. Unbiased for γ = 0 if
 * the examples of a class do not depend on the client (FedCOF, https://arxiv.org/abs/2412.14326).
 */
function betweenMeans(
  between: Float64Array,
  d: number,
  { clients, floor }: { readonly clients: number; readonly floor: number },
): Float64Array {
  const covariance = scaled(between, clients > 1 ? 1 / (clients - 1) : 0)
  for (let i = 0; i < d; i++) covariance[diagonalAt(i)]! += floor
  return covariance
}

const scaled = (values: Float64Array, by: number): Float64Array => {
  const result = new Float64Array(values.length)
  for (let at = 0; at < values.length; at++) result[at] = values[at]! * by
  return result
}

/** (1 − λ) own + λ pooled, in `own`. */
function mixed(own: Float64Array, pooled: Float64Array, lambda: number): Float64Array {
  for (let at = 0; at < own.length; at++) {
    own[at] = (1 - lambda) * own[at]! + lambda * pooled[at]!
  }
  return own
}

/** A scatter or covariance in its shape as the packed lower triangle of the full matrix. */
export function packed(values: Float64Array, d: number, shape: ScatterShape): Float64Array {
  if (shape === 'full') return values
  const full = new Float64Array(triangle(d))
  values.forEach((value, i) => (full[diagonalAt(i)] = value))
  return full
}
