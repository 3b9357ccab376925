import { everyIndex, type Examples } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { evenly } from '#algorithms/audit/metrics/evenly.js'

/** Means over public records. */
interface LabelMeans {
  /** p_c: [classes]. */
  readonly softmax: Float64Array
  /** p_c Σ_j a_j: [classes]. */
  readonly weightedSoftmax: Float64Array
  /** Σ_j a_j */
  readonly featureSum: number
}

/** What an attacker learns of a model from public data, for label inference. Gifd specification §4.3. */
export interface AuxiliaryStatistics {
  readonly classes: number
  readonly overall: LabelMeans
  /** By label; null where public data have none. */
  readonly byLabel: readonly (LabelMeans | null)[]
  /** Shares of the labels: what guesses are drawn from. */
  readonly labelShares: Float64Array
  /** Features before the last layer are not negative, as after a relu or a softplus. */
  readonly hasPositiveFeatures: boolean
}

const BATCH = 128

interface Sums {
  count: number
  readonly softmax: Float64Array
  readonly weightedSoftmax: Float64Array
  featureSum: number
}
const emptySums = (classes: number): Sums => ({
  ...{ count: 0, featureSum: 0 },
  ...{ softmax: new Float64Array(classes), weightedSoftmax: new Float64Array(classes) },
})

const meansOf = ({ count, softmax, weightedSoftmax, featureSum }: Sums): LabelMeans => ({
  softmax: softmax.map((value) => value / count),
  weightedSoftmax: weightedSoftmax.map((value) => value / count),
  featureSum: featureSum / count,
})

/** Records a mean is taken over; their number is the error of a mean, not the time of an audit. */
const MOST_RECORDS = 2000

/**
 * Runs the model on public records, at least one; where there are many, on some of them. `params` in the model's order; disposes
 * nothing of the caller's.
 */
export async function auxiliaryStatistics(
  model: Model,
  params: readonly Tensor[],
  examples: Examples,
): Promise<AuxiliaryStatistics> {
  const { classes } = model
  const { source, indices } = evenly(examples, MOST_RECORDS)
  const overall = emptySums(classes)
  const byLabel = Array.from({ length: classes }, () => emptySums(classes))
  let least = Infinity
  for (let first = 0; first < indices.length; first += BATCH) {
    const rows = indices.subarray(first, first + BATCH)
    const { softmax, sums, smallest } = await outputs(model, params, { source, indices: rows })
    rows.forEach((row, i) => {
      const own = softmax.subarray(i * classes, (i + 1) * classes)
      add(overall, own, sums[i]!)
      add(byLabel[source.labels[row]!]!, own, sums[i]!)
    })
    least = Math.min(least, smallest)
  }
  return {
    classes,
    overall: meansOf(overall),
    byLabel: byLabel.map((sums) => (sums.count === 0 ? null : meansOf(sums))),
    labelShares: sharesOf(examples, classes),
    hasPositiveFeatures: least >= 0,
  }
}

function sharesOf({ source, indices }: Examples, classes: number): Float64Array {
  const shares = new Float64Array(classes)
  for (const row of indices) shares[source.labels[row]!]! += 1 / indices.length
  return shares
}

function add(sums: Sums, softmax: Float32Array, featureSum: number): void {
  sums.count += 1
  sums.featureSum += featureSum
  softmax.forEach((p, c) => {
    sums.softmax[c]! += p
    sums.weightedSoftmax[c]! += p * featureSum
  })
}

async function outputs(model: Model, params: readonly Tensor[], examples: Examples) {
  const last = model.blocks.length - 1
  const [probabilities, sums, smallest] = tf.tidy(() => {
    const { x } = batchOf(examples, everyIndex(examples.indices.length))
    const features = model.forward(params, x, { to: last })
    const logits = model.forward(params, features, { from: last })
    const flat = tf.reshape(features, [examples.indices.length, -1])
    return [tf.softmax(logits), tf.sum(flat, 1), tf.min(flat)] as const
  }) as unknown as readonly [Tensor, Tensor, Tensor]
  try {
    const [least = 0] = await smallest.data()
    return {
      softmax: (await probabilities.data()) as Float32Array,
      sums: (await sums.data()) as Float32Array,
      smallest: least,
    }
  } finally {
    tf.dispose([probabilities, sums, smallest])
  }
}
