/** Latencies without averages of percentiles: reliability specification §4, honest measuring. */
import { build, type Histogram } from 'hdr-histogram-js'

export interface LatencySummary {
  readonly count: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
/** One hour in microseconds; three significant digits are 0.1 %. */
const HIGHEST_MICROSECONDS = 3_600_000_000

/** Milliseconds in, percentiles in milliseconds out. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
  })

  record(milliseconds: number): void {
    const microseconds = Math.round(milliseconds * 1000)
    this.#histogram.recordValue(Math.min(Math.max(microseconds, 1), HIGHEST_MICROSECONDS))
  }
  summary(): LatencySummary {
    const at = (percentile: number): number =>
      this.#histogram.totalCount === 0 ? 0 : this.#histogram.getValueAtPercentile(percentile) / 1000
    return {
      count: this.#histogram.totalCount,
      p50Ms: at(50),
      p95Ms: at(95),
      p99Ms: at(99),
      maxMs: at(100),
    }
  }
}
