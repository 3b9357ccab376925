/** What reconstructions gain over guessing. Gifd specification §14.1. */
import type { AuditControl } from '#protocol/audit-report.js'
import { mean, median, quantile } from './spread.js'

interface Control {
  readonly name: AuditControl['name']
  /** By record. */
  readonly psnr: readonly number[]
}

/**
 * PSNR by record of the one control that is best on average: a gain is what the update adds to the best way of guessing, and who
 * guesses has to choose one way for all records. The placebo is no guess. At least one control that is one.
 */
export function baselineOf(controls: readonly Control[]): readonly number[] {
  const ways = controls.filter(({ name }) => name !== 'placebo').map((control) => control.psnr)
  return ways.reduce((best, way) => (mean(way) > mean(best) ? way : best))
}

/** PSNR over the baseline, paired by record. */
export const gainsOf = (psnr: readonly number[], baseline: readonly number[]): readonly number[] =>
  psnr.map((value, i) => value - baseline[i]!)

interface GainSummary {
  readonly mean: number
  readonly median: number
  readonly max: number
}
export const gainSummary = (gains: readonly number[]): GainSummary => ({
  mean: mean(gains),
  median: median(gains),
  max: quantile(gains, 1),
})
