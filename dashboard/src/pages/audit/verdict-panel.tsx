import { decibels } from '#protocol/audit-amounts.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { attackWords, LEVEL_WORDS } from '#protocol/audit-words.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { LevelScale } from '../../parts/level.js'
import { Panel } from '../../parts/panel.js'
import css from './audit.module.css'
import { findingsOf, leadRow } from './findings.js'

export type AuditView = HttpAnswer<'GET /api/runs/:id/audit'>

/** What the audit came to, as whoever signs for the run reads it. */
export function VerdictPanel({
  view: { state, verdict, threshold, because },
  report,
}: {
  readonly view: AuditView
  readonly report: AuditReport
}) {
  // Of a report that proves nothing there is no verdict.
  const present = report.isSound && state !== 'unsound' ? verdict : null
  const words = present === null ? null : LEVEL_WORDS[present]
  const row = leadRow(report)
  return (
    <Panel title="Verdict">
      <div className={css['verdict']}>
        <p className={css['found']}>{words?.found ?? 'No statement: the audit proves nothing'}</p>
        <LevelScale present={present} threshold={threshold} />
        {words !== null && (
          <>
            <p className={css['means']}>{words.means}</p>
            <ul className={css['findings']}>
              {findingsOf(row).map(({ found, what, beside }) => (
                <li key={what}>
                  <strong>{found}</strong>
                  <span>{what}</span>
                  <span className={css['small']}>{beside}</span>
                </li>
              ))}
            </ul>
            <Strip report={report} row={row} />
            {because !== null && (
              <p className={css['because']}>
                <strong>Why this verdict:</strong> {because}.
              </p>
            )}
          </>
        )}
      </div>
    </Panel>
  )
}

const MOST_IN_STRIP = 6

/** The records that were reconstructed best, each beside what was made of it. */
function Strip({ report, row }: { readonly report: AuditReport; readonly row: AuditRow }) {
  const own = report.pictures?.byRow.find((byRow) => byRow.row === row.id)?.pictures ?? []
  const best = own.flatMap(({ record, truth, reconstructions }) => {
    const [made] = reconstructions.toSorted((a, b) => b.psnr - a.psnr)
    return made === undefined ? [] : [{ record, truth, made }]
  })
  if (best.length === 0) return null
  const shown = best.toSorted((a, b) => b.made.psnr - a.made.psnr).slice(0, MOST_IN_STRIP)
  return (
    <div className={css['strip']}>
      {shown.map(({ record, truth, made }) => (
        <figure key={record}>
          <img src={truth} alt={`Record ${record + 1}`} />
          <img
            src={made.image}
            alt={`Record ${record + 1} as ${attackWords(made.method).label} made it, ${decibels(made.psnr)}`}
          />
          <figcaption>
            {attackWords(made.method).short}, {decibels(made.psnr)}
          </figcaption>
        </figure>
      ))}
      <p className={css['small']}>Left the record, right what an attack made of its update.</p>
    </div>
  )
}
