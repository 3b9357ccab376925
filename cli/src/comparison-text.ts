/** Configurations side by side, as `compare` prints them. */
import type { ComparisonRow } from '#simulations/report/comparison.js'
import { bytes, decimals, percent, points } from '#simulations/report/numbers.js'

export interface ComparisonTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/** Columns about clients and calibrations only where a row has something to say of them. */
export function comparisonTable(rows: readonly ComparisonRow[]): ComparisonTable {
  // Of models that clients keep, one accuracy over all examples says too little.
  const isPersonal = rows.some(({ clients }) => clients?.isOwn === true)
  const isCalibrated = rows.some(({ calibration }) => calibration !== null)
  return {
    head: [...HEAD, ...(isPersonal ? CLIENT_HEAD : []), ...(isCalibrated ? CALIBRATION_HEAD : [])],
    rows: rows.map((row) => [
      ...cells(row),
      ...(isPersonal ? clientCells(row) : []),
      ...(isCalibrated ? calibrationCells(row) : []),
    ]),
  }
}

const HEAD = [
  ...['name', 'method', 'model', 'seeds', 'rounds', 'accuracy'],
  ...['±', 'loss', 'up', 'down', 'seconds'],
]
const cells = (row: ComparisonRow): readonly (string | number)[] => [
  row.name,
  row.method,
  row.model,
  row.seeds.join(','),
  row.rounds,
  row.accuracy === null ? '–' : percent(row.accuracy),
  row.spread === null || row.runs.length < 2 ? '–' : percent(row.spread),
  row.loss === null ? '–' : decimals(row.loss),
  bytes(row.bytesUp),
  bytes(row.bytesDown),
  row.seconds.toFixed(1),
]

/** Over the clients, each of which counts once. */
const CLIENT_HEAD = ['mean over clients', 'deviation', 'worst client']
const clientCells = ({ clients }: ComparisonRow): readonly string[] =>
  clients === null
    ? CLIENT_HEAD.map(() => '–')
    : [clients.accuracy, clients.deviation, clients.worst].map(percent)

/** Of what a calibration did to the accuracy, where a row has one. */
const CALIBRATION_HEAD = ['before calibration', 'gain', '±', 'worst class', 'answered']
function calibrationCells({ calibration }: ComparisonRow): readonly string[] {
  if (calibration === null) return CALIBRATION_HEAD.map(() => '–')
  const { before, gain, spread, worstBefore, worstAfter, answered, asked } = calibration
  const share = (value: number | null): string => (value === null ? '–' : percent(value))
  return [
    share(before),
    gain === null ? '–' : points(gain),
    spread === null ? '–' : percent(spread),
    worstBefore === null ? '–' : `${share(worstBefore)} → ${share(worstAfter)}`,
    `${answered}/${asked}`,
  ]
}
