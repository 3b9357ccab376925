import { dayText } from '#protocol/audit-amounts.js'
import { levelText } from '#protocol/audit-level.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { coversRun } from '#protocol/audit-rows.js'
import { moment } from '../../look/format.js'
import { Notice } from '../../parts/notice.js'
import type { Seal } from './seal.js'
import type { AuditView } from './verdict-panel.js'

/** What takes worth from the numbers, or changes what follows from them, comes before them. */
export function Warnings({
  view,
  report,
  seal,
  staleKeys,
}: {
  readonly view: AuditView
  readonly report: AuditReport
  readonly seal: Seal | null
  readonly staleKeys: readonly string[]
}) {
  const { state, override, obstacles, threshold, verdict } = view
  const { pictures } = report
  return (
    <>
      {seal === 'broken' && (
        <Notice tone="bad" title="The signature of this report does not fit it">
          It was changed after it was signed. Do not decide on it.
        </Notice>
      )}
      {obstacles.length > 0 && (
        <Notice tone="bad" title="This audit proves nothing">
          {obstacles.join('. ')}. Do not decide on it.
        </Notice>
      )}
      {override !== null && (
        <Notice tone="warn" title={`Overridden by ${override.by.replace(/^user:/, '')}`}>
          “{override.reason}”, {moment(override.at)}. The run may start in spite of the audit.
        </Notice>
      )}
      {state === 'above-threshold' && threshold !== null && verdict !== null && (
        <Notice
          tone="bad"
          title={`The run was stopped: the verdict is ${levelText(verdict)}, and it starts up to ${levelText(threshold)}`}
        />
      )}
      {staleKeys.length > 0 && (
        <Notice tone="warn" title="This report is stale: the run differs from what was audited">
          {staleKeys.map((key, i) => (
            <span key={key}>
              {i > 0 && ', '}
              <code>{key}</code>
            </span>
          ))}
        </Notice>
      )}
      {!coversRun(report) && (
        <Notice tone="warn" title="No row is what one client of this run sends">
          Either no row has its settings, or rows have more records than one batch of it, or local
          steps were taken for one gradient: clients may show more than this report tells.
        </Notice>
      )}
      {report.budget === 'smoke' && (
        <Notice tone="warn" title="The budget was the smallest">
          It shows that the audit works. What it found stands; that it found no more means little.
        </Notice>
      )}
      {pictures !== null && (
        <Notice tone="info" title="This report holds pictures of records">
          Whoever keeps it deletes it by {dayText(pictures.retainUntil)}.
        </Notice>
      )}
    </>
  )
}
