/** How high a verdict recognition could give at all: few records, or few others to tell them from, show little even when all are told. */
import type { AuditReport } from '#protocol/audit-report.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'

/** Of the interval of Clopper and Pearson, on one side. */
const TAIL = 0.025

/** Whether telling all of `records` records, each among `candidates`, would count as a high risk. */
export const canReachHigh = (records: number, candidates: number): boolean =>
  TAIL ** (1 / records) > DEFAULT_THRESHOLDS.highIdentification / candidates

/** Sentences for rows where it would not. */
export function limitsOfReach({ rows }: Pick<AuditReport, 'rows'>): readonly string[] {
  return rows.flatMap(({ id, records, controls }) => {
    const [control] = controls
    if (control === undefined) return []
    const { candidates } = control.sameClass
    return canReachHigh(records, candidates)
      ? []
      : [
          `On row ${id} recognition alone could not show a high risk: ${records} records, each told from ${candidates - 1} others of its class, are too few for that even if every one is told`,
        ]
  })
}
