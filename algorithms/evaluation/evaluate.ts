/** Scoring a model on labelled examples: counts that add up over clients, and the metrics made of them. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'
import type { Metrics } from '#protocol/record.js'
import type { Examples } from '#data/dataset.js'
import type { Predictor } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'

/** Sums over examples, so that the counts of several clients add up to those of their union. All but `lossSum` are integers. */
export interface EvaluationCounts {
  readonly count: number
  readonly correct: number
  /** Sum of the cross-entropies, in nats. */
  readonly lossSum: number
  /** By label. */
  readonly perClassCount: Float64Array
  readonly perClassCorrect: Float64Array
}

/** Keeps the activations of the largest model of the zoo (the paper's cnn) within about 60 MB. */
const BATCH_SIZE = 128

/** Predicts with fixed params. Holds them on the device until `dispose`. */
export function modelPredictor(
  model: Model,
  params: Float32Array,
): { readonly predict: Predictor; dispose(): void } {
  const tensors = toTensors(model, params)
  return { predict: (x) => model.forward(tensors, x), dispose: () => void tf.dispose(tensors) }
}

/** Scores `predict` on all examples. `classes` in label order. Throws `update/not-finite` when a logit is not a number. */
export async function evaluate(
  predict: Predictor,
  examples: Examples,
  classes: readonly string[],
): Promise<EvaluationCounts> {
  const { labels } = examples.source
  const tally = new Tally(classes.length)
  for (let start = 0; start < examples.indices.length; start += BATCH_SIZE) {
    const rows = examples.indices.subarray(start, start + BATCH_SIZE)
    const logits = await logitsOf(predict, { source: examples.source, indices: rows })
    rows.forEach((row, i) =>
      tally.add(logits.subarray(i * classes.length, (i + 1) * classes.length), labels[row]!),
    )
    await nextTurn()
  }
  return tally.counts()
}

async function logitsOf(predict: Predictor, examples: Examples): Promise<Float32Array> {
  const positions = examples.indices.map((_, i) => i)
  const logits = tf.tidy(() => predict(batchOf(examples, positions).x))
  try {
    return (await logits.data()) as Float32Array
  } finally {
    logits.dispose()
  }
}

/** Counts in float64 on the processor: the result depends on the logits only, not on how a device sums. */
class Tally {
  #correct = 0
  #count = 0
  #lossSum = 0
  readonly #perClassCount: Float64Array
  readonly #perClassCorrect: Float64Array

  constructor(classes: number) {
    this.#perClassCount = new Float64Array(classes)
    this.#perClassCorrect = new Float64Array(classes)
  }

  add(logits: Float32Array, label: number): void {
    const { best, logSumExp } = summaryOf(logits)
    const loss = logSumExp - logits[label]!
    if (!Number.isFinite(loss)) {
      throw new FederationError(
        'update/not-finite',
        'The model predicts values that are not finite',
      )
    }
    const hit = best === label ? 1 : 0
    this.#count += 1
    this.#correct += hit
    this.#lossSum += loss
    this.#perClassCount[label]! += 1
    this.#perClassCorrect[label]! += hit
  }

  counts(): EvaluationCounts {
    return {
      count: this.#count,
      correct: this.#correct,
      lossSum: this.#lossSum,
      perClassCount: this.#perClassCount,
      perClassCorrect: this.#perClassCorrect,
    }
  }
}

/** The first of the largest logits, and log Σ exp(logit), shifted by the largest so that exp cannot overflow. */
function summaryOf(logits: Float32Array): { readonly best: number; readonly logSumExp: number } {
  let best = 0
  for (let c = 1; c < logits.length; c++) if (logits[c]! > logits[best]!) best = c
  const largest = logits[best]!
  let sum = 0
  for (let c = 0; c < logits.length; c++) sum += Math.exp(logits[c]! - largest)
  return { best, logSumExp: largest + Math.log(sum) }
}

/** accuracy, mean loss in nats and `recall/<class>` of every class that occurs. Empty without examples. */
export function metricsOf(counts: EvaluationCounts, classes: readonly string[]): Metrics {
  if (counts.count === 0) return {}
  const recalls = classes.flatMap((name, c): [string, number][] => {
    const occurrences = counts.perClassCount[c]!
    return occurrences === 0 ? [] : [[`recall/${name}`, counts.perClassCorrect[c]! / occurrences]]
  })
  return {
    accuracy: counts.correct / counts.count,
    loss: counts.lossSum / counts.count,
    ...Object.fromEntries(recalls),
  }
}
