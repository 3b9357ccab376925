/** Gathers what a run over the examples makes: the rows that go up, and the terms of the loss as they are after training. */
import { product } from '#algorithms/models/blocks/block-maker.js'
import type { FedD2SSetup } from './architectures.js'
import type { Softness } from './divergence.js'
import { poolingOf } from './pooling.js'
import type { OwnRows, RowChoice } from './rows.js'
import { pooledShape } from './wire.js'

/** log softmax(logits / T), in float64. */
export function logDistribution(logits: Float32Array, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits, (value) => value / temperature)
  const largest = scaled.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const sum = scaled.reduce((total, value) => total + Math.exp(value - largest), 0)
  const logSum = largest + Math.log(sum)
  return scaled.map((value) => value - logSum)
}

/** softmax(logits / T). */
export const distribution = (logits: Float32Array, temperature: number): Float32Array =>
  Float32Array.from(logDistribution(logits, temperature), (value) => Math.exp(value))

/** T² · KL(q ‖ σ_T(logits)) of one example. */
export function divergenceOf(
  logits: Float32Array,
  q: Float32Array,
  { temperature, scaleByT2 }: Softness,
): number {
  const student = logDistribution(logits, temperature)
  const kl = q.reduce(
    (sum, value, k) => sum + value * (Math.log(Math.max(value, 1e-8)) - student[k]!),
    0,
  )
  return scaleByT2 ? kl * temperature ** 2 : kl
}

export interface RowCollector {
  /** The next of `choice.places`: its activation, of the shape at the cut, and its logits. */
  add(features: Float32Array, logits: Float32Array): void
  finish(): OwnRows
}

/** Rows of single examples as they come, means of classes in float64. `shape`: of an activation before pooling. */
export function rowCollector(
  { hyper, model }: FedD2SSetup,
  { places, rowOf, labels }: RowChoice,
  shape: readonly number[],
): RowCollector {
  const rows = labels.length
  const parts = [product(pooledShape(shape, hyper.pooling)), model.classes]
  const isMean = hyper.rows === 'class-means'
  const [features, teacher] = parts.map((width) =>
    isMean ? new Float64Array(rows * width) : new Float32Array(rows * width),
  ) as [Float64Array | Float32Array, Float64Array | Float32Array]
  const pooling = poolingOf(shape, hyper.pooling)
  const counts = new Uint32Array(rows)
  let next = 0
  const put = (into: Float64Array | Float32Array, row: number, values: Float32Array): void => {
    const at = row * values.length
    if (isMean) values.forEach((value, i) => (into[at + i]! += value))
    else into.set(values, at)
  }
  const mean = (sums: Float64Array | Float32Array): Float32Array =>
    sums instanceof Float32Array
      ? sums
      : Float32Array.from(sums, (sum, i) => sum / counts[Math.floor((i * rows) / sums.length)]!)
  return {
    add(values, logits) {
      if (next >= places.length) return
      const row = rowOf[next++]!
      counts[row]! += 1
      put(features, row, pooling.pooled(values))
      put(teacher, row, distribution(logits, hyper.temperature))
    },
    finish: () => ({ labels, features: mean(features), teacher: mean(teacher) }),
  }
}
