/** Scoring a model on labelled examples: counts that add up over clients, and the metrics made of them. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Metrics } from '#protocol/record.js'
import type { Examples } from '#data/dataset.js'
import type { Predictor, PredictorHandle } from '#algorithms/methods/method.js'
import { featurePowerOf, powered } from '#algorithms/models/feature-power.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
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
/** What is seen where the examples are, and never sent. */
export interface LocalCounts {
  /** By domain; empty where the data have none: only who knows the domains sees them. */
  readonly perDomainCount: Float64Array
  readonly perDomainCorrect: Float64Array
  /** Examples by label and, within it, by what was predicted; null where there are more than `MOST_CONFUSED` classes. */
  readonly confusion: readonly Float64Array[] | null
}

/** So many classes that a table of all pairs can still be read. */
export const MOST_CONFUSED = 32

/** Keeps the activations of the largest model of the zoo (the paper's cnn) within about 60 MB. */
const BATCH_SIZE = 128

/** Predicts with fixed params. Holds them on the device until `dispose`. */
export function modelPredictor(model: Model, params: Float32Array): PredictorHandle {
  const tensors = toTensors(model, params)
  return { predict: (x) => model.forward(tensors, x), dispose: () => void tf.dispose(tensors) }
}

/**
 * Predicts with a full set of params as it was published, with the power of features that its bundle may name. Throws
 * `model/does-not-fit` for params of another model.
 */
export function paramsPredictor(model: Model, bundle: Bundle): PredictorHandle {
  const params = paramsOf(model, bundle)
  const power = featurePowerOf(bundle)
  if (power === null) return modelPredictor(model, params)
  const tensors = toTensors(model, params)
  const last = model.blocks.length - 1
  const predict: Predictor = (x) => {
    const features = powered(model.forward(tensors, x, { to: last }), power)
    return model.forward(tensors, features, { from: last })
  }
  return { predict, dispose: () => void tf.dispose(tensors) }
}

/** Scores `predict` on all examples. `classes` in label order. Throws `update/not-finite` when a logit is not a number. */
export async function evaluate(
  predict: Predictor,
  examples: Examples,
  classes: readonly string[],
): Promise<EvaluationCounts & LocalCounts> {
  const { labels, domains } = examples.source
  const tally = new Tally(classes.length, domains?.names.length ?? 0)
  await forBatches(predict, examples, (logits, row) =>
    tally.add(logits, { label: labels[row]!, domain: domains?.of[row] ?? null }),
  )
  return tally.counts()
}

/** What `predict` gives for every example, in order, a batch at a time: `visit` gets one row of it and its number in the data set. */
export async function forBatches(
  predict: Predictor,
  { source, indices }: Examples,
  visit: (values: Float32Array, row: number) => void,
): Promise<void> {
  for (let start = 0; start < indices.length; start += BATCH_SIZE) {
    const rows = indices.subarray(start, start + BATCH_SIZE)
    const { values, width } = await valuesOf(predict, { source, indices: rows })
    rows.forEach((row, i) => visit(values.subarray(i * width, (i + 1) * width), row))
    await nextTurn()
  }
}

async function valuesOf(predict: Predictor, examples: Examples) {
  const positions = examples.indices.map((_, i) => i)
  const output = tf.tidy(() => {
    const { x, ...facts } = batchOf(examples, positions)
    return predict(x, facts)
  })
  try {
    return { values: (await output.data()) as Float32Array, width: output.shape[1] ?? 1 }
  } finally {
    output.dispose()
  }
}

/** Counts in float64 on the processor: the result depends on the logits only, not on how a device sums. */
class Tally {
  #correct = 0
  #count = 0
  #lossSum = 0
  readonly #perClassCount: Float64Array
  readonly #perClassCorrect: Float64Array
  readonly #perDomainCount: Float64Array
  readonly #perDomainCorrect: Float64Array
  readonly #confusion: readonly Float64Array[] | null

  constructor(classes: number, domains: number) {
    this.#perClassCount = new Float64Array(classes)
    this.#perClassCorrect = new Float64Array(classes)
    this.#perDomainCount = new Float64Array(domains)
    this.#perDomainCorrect = new Float64Array(domains)
    this.#confusion =
      classes > MOST_CONFUSED
        ? null
        : Array.from({ length: classes }, () => new Float64Array(classes))
  }

  add(logits: Float32Array, { label, domain }: { label: number; domain: number | null }): void {
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
    if (this.#confusion !== null) this.#confusion[label]![best]! += 1
    if (domain === null) return
    this.#perDomainCount[domain]! += 1
    this.#perDomainCorrect[domain]! += hit
  }

  counts(): EvaluationCounts & LocalCounts {
    return {
      count: this.#count,
      correct: this.#correct,
      lossSum: this.#lossSum,
      perClassCount: this.#perClassCount,
      perClassCorrect: this.#perClassCorrect,
      perDomainCount: this.#perDomainCount,
      perDomainCorrect: this.#perDomainCorrect,
      confusion: this.#confusion,
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

/** Where the numbers of a label and of a domain get their names. */
export interface Names {
  readonly classes: readonly string[]
  readonly domains?: { readonly names: readonly string[] }
}

/**
 * accuracy, mean loss in nats, `recall/<class>` of every class that occurs and `accuracy/domain/<domain>` of every domain
 * that does. Empty without examples.
 */
export function metricsOf(
  counts: EvaluationCounts & Partial<LocalCounts>,
  { classes, domains }: Names,
): Metrics {
  if (counts.count === 0) return {}
  const { perClassCount, perClassCorrect } = counts
  const { perDomainCount = NONE, perDomainCorrect = NONE } = counts
  return {
    accuracy: counts.correct / counts.count,
    loss: counts.lossSum / counts.count,
    ...shares('recall', classes, { of: perClassCount, hits: perClassCorrect }),
    ...shares('accuracy/domain', domains?.names ?? [], {
      of: perDomainCount,
      hits: perDomainCorrect,
    }),
  }
}

const NONE = new Float64Array(0)

function shares(
  prefix: string,
  names: readonly string[],
  { of, hits }: { readonly of: Float64Array; readonly hits: Float64Array },
): Metrics {
  return Object.fromEntries(
    names.flatMap((name, i): [string, number][] =>
      of[i] === 0 ? [] : [[`${prefix}/${name}`, hits[i]! / of[i]!]],
    ),
  )
}
