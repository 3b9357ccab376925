/** Summaries of one number for each record. Gifd specification §14.1: risk is about the worst record, not about the mean. */
import type { Stream } from '#protocol/random.js'

/** Quantile by linear interpolation between the sorted values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (at - Math.floor(at)) * (high - low)
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), -Infinity)

export interface Spread {
  readonly median: number
  readonly p90: number
  readonly max: number
  /** In the order of the records. */
  readonly values: number[]
}

/** `values` holds at least one number. */
export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  p90: quantile(values, 0.9),
  max: largest(values),
  values: [...values],
})

const RESAMPLES = 10_000

/** Percentile bootstrap of the mean: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. */
export function bootstrapInterval(
  values: readonly number[],
  stream: Stream,
  confidence = 0.95,
): [number, number] {
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[stream.integer(values.length)]!
    return sum / values.length
  })
  const tail = (1 - confidence) / 2
  return [quantile(means, tail), quantile(means, 1 - tail)]
}
