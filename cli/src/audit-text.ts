import { levelText } from '#protocol/audit-level.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import type { Verdict } from '#algorithms/audit/verdict.js'

/** The reason begins with the level where nothing was shown. */
export const verdictLine = ({ level, because }: Verdict): string =>
  because.startsWith(levelText(level))
    ? `Verdict: ${because}`
    : `Verdict: ${levelText(level)}. ${because}`

/** Why a report proves nothing. */
export const unsoundWords = (obstacles: readonly string[]): string =>
  obstacles.join('. ') || 'The report says of itself that it proves nothing'

const DASH = '–'

/** The rows of a report as a table: what the best method of each came to. */
export const auditRowLines = (report: AuditReport): readonly (readonly (string | number)[])[] =>
  report.rows.map((row) => {
    const best = bestOf(row)
    return [
      row.defence,
      row.clients === 1 ? row.batchSize : `${row.batchSize} × ${row.clients}`,
      row.localSteps,
      row.labels,
      best?.name ?? DASH,
      best === null ? DASH : best.chosen.psnr.median.toFixed(1),
      best === null ? DASH : best.chosen.gain.median.toFixed(1),
      best === null ? DASH : `${best.chosen.sameClass.hits}/${best.chosen.sameClass.of}`,
      levelText(row.verdict),
    ]
  })

type Answered = AuditRow['methods'][number] & {
  readonly chosen: NonNullable<AuditRow['methods'][number]['chosen']>
}
const isAnswered = (method: AuditRow['methods'][number]): method is Answered =>
  method.chosen !== null

/** By the median gain; null where no method gave a picture. */
function bestOf({ methods }: AuditRow): Answered | null {
  return methods
    .filter(isAnswered)
    .reduce<Answered | null>(
      (best, one) =>
        best === null || one.chosen.gain.median > best.chosen.gain.median ? one : best,
      null,
    )
}
