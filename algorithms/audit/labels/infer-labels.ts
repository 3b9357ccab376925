/** The labels of a batch, read off one update. Gifd specification §4. */
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
  /** Null: the attacker has no public data. */
  readonly auxiliary: AuxiliaryStatistics | null
  /** The update may have been made shorter by an unknown factor, as clipping does. */
  readonly isScaled?: boolean
}

export type LabelRule = 'bias' | 'inner-product' | 'counts' | 'column-counts' | 'greedy' | 'minimum'

export interface InferredLabels {
  /** Ascending, never in the order of the records (§4.5). */
  readonly labels: Int32Array
  readonly rule: LabelRule
  /** Batch of one: the rule is exact for such a gradient. Larger ones: never. */
  readonly isCertain: boolean
}

/**
 * Batch of one: the sign of the bias gradient, else inner products of columns (§4.1). Larger: counts (4.3) where there are
 * public data, else the greedy rule; without a bias by column sums, else by Yin's rule, whose labels are distinct.
 */
export function inferLabels(evidence: LabelEvidence): InferredLabels {
  const head = headGradientOf(evidence.model, evidence.observed)
  return evidence.batch === 1 ? ofOne(head) : { ...ofMany(head, evidence), isCertain: false }
}

const isZero = (values: Float32Array): boolean => values.every((value) => value === 0)

function ofOne(head: HeadGradient): InferredLabels {
  const byBias = head.bias !== null && !isZero(head.bias)
  const { label, isCertain } = byBias ? biasRule(head.bias) : innerProductRule(head)
  return {
    labels: Int32Array.of(label),
    rule: byBias ? 'bias' : 'inner-product',
    isCertain,
  }
}

function ofMany(head: HeadGradient, evidence: LabelEvidence): Omit<InferredLabels, 'isCertain'> {
  const { batch, auxiliary, isScaled = false } = evidence
  const hasBias = head.bias !== null
  if (auxiliary !== null && (hasBias || hasLargeSums(auxiliary))) {
    const counts = countRule({ head, batch, auxiliary, isScaled })
    return { labels: labelsOf(counts), rule: hasBias ? 'counts' : 'column-counts' }
  }
  if (head.bias !== null) return { labels: greedyRule(head.bias, batch), rule: 'greedy' }
  return { labels: padded(minRule(head, batch), batch, head.classes), rule: 'minimum' }
}

/** Column sums say something where the features of a record do not cancel. */
const hasLargeSums = ({ hasPositiveFeatures, overall }: AuxiliaryStatistics): boolean =>
  hasPositiveFeatures && overall.featureSum > 1e-6

/** A rule that names each class once at most leaves slots over when there are more records: they are spread evenly. */
function padded(labels: Int32Array, batch: number, classes: number): Int32Array {
  if (labels.length === batch) return labels
  const rest = roundedTo(new Float64Array(classes), batch - labels.length)
  return Int32Array.from([...labels, ...labelsOf(rest)]).sort()
}
