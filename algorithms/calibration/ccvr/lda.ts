/** A head in closed form: linear discriminant analysis on the class moments (ccvr specification §5.2). Not part of the paper. */
import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { keepingColumns } from '#algorithms/calibration/head.js'
import { headOf } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import { paramPlaces, paramsOf } from '#algorithms/models/params.js'
import { packed, pooledCovariance } from './covariance.js'
import { cholesky } from './factor.js'
import { traceOf } from './moments.js'
import type { ClassStatistics, GlobalClass } from './moments.js'

/** Share of the mean variance in the covariance that is inverted. */
const RIDGE = 0.01

export interface LdaInput {
  readonly model: Model
  readonly released: Bundle
  readonly classes: readonly GlobalClass[]
  /** The merged moments: their pooled within-class covariance is Σ_W. */
  readonly statistics: ClassStatistics
  /** Adds log(N_c / Σ N) to the bias. */
  readonly hasPriors: boolean
}

/**
 * W = Σ'⁻¹ [μ_1 … μ_C], b_c = −½ μ_cᵀ Σ'⁻¹ μ_c (+ log prior), Σ' = 0.99 Σ_W + 0.01 (tr Σ_W / d) I, in float64, rounded at the
 * end; missing classes keep their column. Throws `algorithm/failed` where the features have no variance within any class.
 */
export function ldaHead(input: LdaInput): Float32Array {
  const { model, released, classes, statistics, hasPriors } = input
  const head = headOf(model)
  const d = head.width
  const within = packed(pooledCovariance(statistics), d, statistics.shape)
  const ridge = (RIDGE * traceOf(within, d, 'full')) / d
  const lower = cholesky(
    within.map((value) => (1 - RIDGE) * value),
    d,
    ridge,
  )
  if (lower === null) {
    throw new FederationError(
      'algorithm/failed',
      'calibration.head lda needs features that vary within a class, and these do not; set it to retrained',
    )
  }
  const [kernel, bias] = paramPlaces(head.layout)
  const after = new Float32Array(head.layout.parameterCount)
  const examples = classes.reduce((sum, { n }) => sum + n, 0)
  for (const { label, mean, n, status } of classes) {
    if (status === 'missing') continue
    const column = solved(lower, mean)
    column.forEach((value, i) => (after[kernel!.offset + i * classes.length + label] = value))
    const half = column.reduce((sum, value, i) => sum + value * mean[i]!, 0) / 2
    after[bias!.offset + label] = (hasPriors ? Math.log(n / examples) : 0) - half
  }
  const missing = classes.filter(({ status }) => status === 'missing').map(({ label }) => label)
  return keepingColumns(head, { before: paramsOf(head.layout, released), after, labels: missing })
}

/** x of L Lᵀ x = b. */
function solved(lower: Float64Array, b: Float64Array): Float64Array {
  const d = b.length
  const x = Float64Array.from(b)
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i * d + k]! * x[k]!
    x[i]! /= lower[i * d + i]!
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let k = i + 1; k < d; k++) x[i]! -= lower[k * d + i]! * x[k]!
    x[i]! /= lower[i * d + i]!
  }
  return x
}
