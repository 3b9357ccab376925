import { countsOf, type RoundRecord, type RunRecord } from '#protocol/record.js'
import { bytes, decimals, percent, seconds } from '#simulations/report/numbers.js'
import { lastCalibration } from '#simulations/report/calibration.js'
import { classTable } from './calibration-text.js'
import type { Output } from './output.js'

export const ROUND_HEAD = [
  'round',
  'purpose',
  'accuracy',
  'loss',
  'reporters',
  'up',
  'down',
  'seconds',
] as const

const metricOr = (value: number | undefined | null, format: (value: number) => string): string =>
  value === undefined || value === null ? '–' : format(value)

/** Of a calibration's rounds, the calibration: that it gathers statistics to this end is a detail. */
const purposeOf = ({ part, purpose }: RoundRecord): string =>
  part === 'calibration' ? 'calibrate' : purpose

export function roundRow(round: RoundRecord): readonly string[] {
  const { metrics } = round
  const { asked, accepted } = countsOf(round)
  return [
    String(round.round),
    purposeOf(round),
    metricOr(metrics['accuracy'] ?? metrics['federated/accuracy'], percent),
    metricOr(metrics['loss'] ?? metrics['federated/loss'], decimals),
    round.round === 0 ? '–' : `${accepted}/${asked}`,
    bytes(round.bytesUp),
    bytes(round.bytesDown),
    seconds(round.durationMs),
  ]
}

const WIDTHS = [6, 12, 10, 9, 10, 10, 10, 8]
/** A row of the live table: fixed widths, because it is printed before the later rows are known. */
export const liveRow = (cells: readonly string[]): string =>
  cells.map((cell, column) => cell.padStart(WIDTHS[column] ?? 10)).join('')

/** Per-class recall of the last evaluation, and of the first beside it; around the calibration where there was one. */
export function printRecall(out: Output, record: RunRecord): void {
  const calibrated = lastCalibration(record)
  if (calibrated !== null) {
    const { head, rows } = classTable(calibrated, record.config.task.classes)
    if (rows.length > 0) return out.table(head, rows)
  }
  const evaluated = record.rounds.filter((round) =>
    Object.keys(round.metrics).some((key) => key.startsWith('recall/')),
  )
  const last = evaluated.at(-1)
  const first = evaluated.at(0)
  if (last === undefined) return
  const rows = record.config.task.classes.map((name) => [
    name,
    metricOr(first?.metrics[`recall/${name}`], percent),
    metricOr(last.metrics[`recall/${name}`], percent),
  ])
  out.table(['class', `recall, round ${first?.round ?? 0}`, `recall, round ${last.round}`], rows)
}
