import type { AuditReport } from '#protocol/audit-report.js'
import { isAsConfigured } from '#protocol/audit-rows.js'
import { rowLabel } from '#protocol/audit-setups.js'
import css from './audit.module.css'

/** The number of a row, and what tells it from the others. */
export function RowName({
  report: { rows, settings },
  place,
}: {
  readonly report: AuditReport
  readonly place: number
}) {
  const row = rows[place]
  if (row === undefined) return null
  return (
    <span className={css['row']}>
      <span>{place + 1}</span>
      <span>{rowLabel(row, rows)}</span>
      {isAsConfigured(row, settings) && <span className={css['small']}>this run’s settings</span>}
    </span>
  )
}
