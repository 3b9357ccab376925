/** The labels of a batch, read off one update. Gifd specification §4. */
import type { LabelRule } from '#protocol/audit-report.js'
import type { Model } from '#algorithms/models/model.js'
import type { AuxiliaryStatistics } from './auxiliary-statistics.js'
import { countRule, labelsOf, roundedTo } from './counts.js'
import { headGradientOf, type HeadGradient } from './head-gradient.js'
import { biasRule, greedyRule, innerProductRule, minRule } from './rules.js'

export interface LabelEvidence {
  readonly model: Model
  /** The update as a gradient, (w_0 − w_K) / (η K), in the model's order (§4.4). */
  readonly observed: readonly Float32Array[]
  /** Records in the update. */
  readonly batch: number
  /** Of public data. */
  readonly auxiliary: AuxiliaryStatistics
  /** The update may have been made shorter by an unknown factor, as clipping does. */
  readonly isScaled?: boolean
}

interface RuledLabels {
  readonly rule: LabelRule
  /** Ascending, never in the order of the records (§4.5). */
  readonly labels: Int32Array
}

export interface InferredLabels extends RuledLabels {
  /** Batch of one: the rule is exact for such a gradient, if no noise was added to it. Larger ones: never. */
  readonly isCertain: boolean
  /** Of a larger batch, what other rules say: for comparison. Yin's names each class once at most. */
  readonly others: readonly RuledLabels[]
}

/**
 * Batch of one: the sign of the bias gradient, else inner products of columns (§4.1). Larger: counts (4.3), without a bias by
 * column sums. Where features of a record may cancel, sums say nothing: labels are guessed from the shares of public data.
 */
export function inferLabels(evidence: LabelEvidence): InferredLabels {
  const head = headGradientOf(evidence.model, evidence.observed)
  return evidence.batch === 1
    ? { ...ofOne(head), others: [] }
    : { ...ofMany(head, evidence), isCertain: false, others: comparisons(head, evidence) }
}

const isZero = (values: Float32Array): boolean => values.every((value) => value === 0)

function ofOne(head: HeadGradient): Omit<InferredLabels, 'others'> {
  const byBias = head.bias !== null && !isZero(head.bias)
  const { label, isCertain } = byBias ? biasRule(head.bias) : innerProductRule(head)
  return {
    labels: Int32Array.of(label),
    rule: byBias ? 'bias' : 'inner-product',
    isCertain,
  }
}

function ofMany(head: HeadGradient, evidence: LabelEvidence): RuledLabels {
  const { batch, auxiliary, isScaled = false } = evidence
  const hasBias = head.bias !== null
  if (!hasBias && !hasLargeSums(auxiliary)) {
    const expected = auxiliary.labelShares.map((share) => batch * share)
    return { labels: labelsOf(roundedTo(expected, batch)), rule: 'public-shares' }
  }
  const counts = countRule({ head, batch, auxiliary, isScaled })
  return { labels: labelsOf(counts), rule: hasBias ? 'counts' : 'column-counts' }
}

function comparisons(
  head: HeadGradient,
  { batch, auxiliary }: LabelEvidence,
): readonly RuledLabels[] {
  const others: RuledLabels[] = []
  if (head.bias !== null) others.push({ rule: 'greedy', labels: greedyRule(head.bias, batch) })
  // Its condition (§4.2).
  if (auxiliary.hasPositiveFeatures) {
    others.push({ rule: 'minimum', labels: minRule(head, batch) })
  }
  return others
}

/** Column sums say something where the features of a record do not cancel. */
const hasLargeSums = ({ hasPositiveFeatures, overall }: AuxiliaryStatistics): boolean =>
  hasPositiveFeatures && overall.featureSum > 1e-6
