/** What takes the worth from an audit, and what it comes to by thresholds that it did not choose itself. */
import { isAbove, levelText, type AuditLevel } from '#protocol/audit-level.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { decisiveRows } from '#protocol/audit-settings.js'
import { DEFAULT_THRESHOLDS, type AuditThresholds } from '#protocol/audit-thresholds.js'
import { clopperPearson } from './metrics/binomial.js'
import { isPlaceboAtChance, verdictOfReport, type Verdict } from './verdict.js'

type Judged = Pick<AuditReport, 'rows' | 'settings' | 'thresholds'>

/**
 * Why a report proves nothing, one sentence each without a full stop; empty: it is sound. A failed attack is no proof, and an
 * attack that was not made is none at all; without a placebo nobody knows where the numbers come from. Gifd specification §14.2, §18.
 */
export async function obstaclesOf(
  report: Judged,
  limits: AuditThresholds = report.thresholds,
): Promise<readonly string[]> {
  const isAtChance = await isPlaceboAtChance(report.rows, limits)
  return [
    ...(isAtChance ? [] : [PLACEBO_TELLS]),
    ...decisiveRows(report).flatMap((row) => obstacleIn(row) ?? []),
  ]
}

const PLACEBO_TELLS =
  'Updates of other records identify these more often than chance (placebo), so the numbers do not come from the updates'

function obstacleIn(row: AuditRow): string | null {
  if (!row.methods.some(hasResult))
    return `On row ${row.id} no attack came to a result, so nothing was tested: ${reasonsOf(row)}`
  return row.controls.some(({ name }) => name === 'placebo')
    ? null
    : `On row ${row.id} no placebo came to a result, so it is not known whether the numbers come from the updates`
}

const hasResult = ({ chosen, stages, atFloor }: AuditRow['methods'][number]): boolean =>
  chosen !== null || stages.length > 0 || atFloor !== null

/** Where no method is listed at all, only the row's own words say why. */
function reasonsOf({ methods, because }: AuditRow): string {
  const notes = new Set(
    methods.flatMap(({ name, note }) => (note === null ? [] : `${name}: ${note}`)),
  )
  return notes.size === 0 ? because : [...notes].join('; ')
}

type Told = Pick<AuditRow['controls'][number]['sameClass'], 'of' | 'candidates'>

/** Of how many records each is told from how many of its class on a row, itself counted; null: nothing was held against others. */
export const toldOn = ({
  controls,
  methods,
}: Pick<AuditRow, 'controls' | 'methods'>): Told | null =>
  [...controls, ...methods.flatMap(({ chosen }) => chosen ?? [])][0]?.sameClass ?? null

/**
 * Levels that recognition cannot reach, even if every record is told: there are too few of them, or of those that they are
 * told from. Where it cannot, its absence means nothing.
 */
export async function outOfReach(
  { of, candidates }: Told,
  { highIdentification, elevatedIdentification }: AuditThresholds = DEFAULT_THRESHOLDS,
): Promise<readonly AuditLevel[]> {
  const [most] = await clopperPearson({ hits: of, of })
  return [
    ...(most > highIdentification / candidates ? [] : ['high' as const]),
    ...(most > elevatedIdentification / candidates ? [] : ['elevated' as const]),
  ]
}

/** Whether labels could count if all were right: with few records or few classes guessing finds them all too often. */
export const canLabelsTell = (
  { labelRecovery }: Pick<AuditRow, 'labelRecovery'>,
  { labelPValue }: AuditThresholds = DEFAULT_THRESHOLDS,
): boolean => labelRecovery.leastPValue < labelPValue

export interface Judgement {
  /** By the report's own thresholds or by the usual ones: whichever gives more. */
  readonly verdict: Verdict
  /** By either. */
  readonly obstacles: readonly string[]
  /** What the report makes look better than the usual thresholds do, one sentence each without a full stop. */
  readonly laxities: readonly string[]
  /** The same for what it makes look worse. */
  readonly strictnesses: readonly string[]
}

/** What a report comes to, whatever thresholds it was made with. */
export async function judgementOf(report: Judged): Promise<Judgement> {
  const [own, usual] = [verdictOfReport(report), verdictOfReport(report, DEFAULT_THRESHOLDS)]
  const [found, others] = [await obstaclesOf(report), await obstaclesOf(report, DEFAULT_THRESHOLDS)]
  const hidden = others.filter((one) => !found.includes(one))
  const stricter = found.filter((one) => !others.includes(one))
  const isLaxer = isAbove(usual.level, own.level)
  return {
    verdict: isLaxer ? usual : own,
    obstacles: [...new Set([...found, ...others])],
    laxities: [
      ...(isLaxer ? [levelsWords(own.level, usual)] : []),
      ...hidden.map((one) => `By the usual thresholds the audit is void: ${one}`),
    ],
    strictnesses: [
      ...(isAbove(own.level, usual.level) ? [levelsWords(own.level, usual)] : []),
      ...stricter.map((one) => `Only by the report’s own thresholds the audit is void: ${one}`),
    ],
  }
}

const levelsWords = (own: AuditLevel, usual: Verdict): string =>
  `By the report’s own thresholds the verdict is ${levelText(own)}, by the usual ones it is ${levelText(usual.level)}: ${usual.because}`
